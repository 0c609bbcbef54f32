// Types that more than one module knows; global, so that the modules name them without an import.

/** A percentage 0–100, or null where nothing was measured. */
type Percent = number | null;

type Cause =
  | "rebooted" | "stopped" | "crashed" | "suspended"
  | "clock" | "unreadable" | "unwritten" | "stalled"
  /* All that an engine knows of another machine. */
  | "silent";

/**
 * A stretch (from, to] in UTC Unix seconds without samples; `cpu` is the mean that the counters prove for it. One that
 * is open has no end yet, and `to` is how far it is known to reach.
 */
interface Gap {
  from: number; to: number; cause: Cause; cpu: Percent; isOpen?: boolean;
  /** Of several short ones that are told as one: how many, and the seconds in them, not between them. */
  count?: number; seconds?: number;
}

/** A gap as the service tells it; `to` is null while it is open. Told again with an end it is the same gap. */
type ToldGap = Omit<Gap, "to" | "isOpen"> & { to: number | null };

/** One tick; `time` is the end of what it covers, UTC Unix seconds. */
interface Sample {
  time: number; elapsed: number; weight: number; cpu: Percent;
  user: Percent; system: Percent; irq: Percent; iowait: Percent; steal: Percent;
  cores: Percent[] | null;
  /** The CPU's number of each of `cores`, where they are not 0, 1, … Cores are matched by it, never by their place. */
  cpus?: number[];
  /** Counted over expected ticks, null where not known. */
  accounted: number | null;
  /** 1-minute load average, processes. */
  load: number | null;
  pressure: Percent;
}

/** Parts of a percentage; steal is not counted as busy and stands above. */
interface Kinds { user: Percent; system: Percent; irq: Percent; steal: Percent }

/** A mean over a slot; `min` and `max` are those of its `count` samples. */
interface Average {
  time: number; cpu: Percent; min: Percent; max: Percent; count: number;
  /** Counted over expected ticks, null or absent where not known. */
  accounted?: number | null;
  /** A history says it in place of `accounted`. */
  unreliable?: boolean;
  kinds?: Kinds | undefined;
  cores?: Percent[] | undefined;
}

/** The wall clock was set by so many seconds; `time` is as it was from then on. */
interface ClockStep { time: number; seconds: number }

/** A stretch (from, to] in UTC Unix seconds. */
interface Stretch { from: number; to: number }

/** The answer of api/history: element i has the time start + i * step. */
interface HistoryBody {
  host: string; now: number; from: number; to: number; step: number; start: number;
  last_id: number | null; cpu: Percent[];
  /** Of another machine: seconds between two of its samples. */
  interval?: number;
  min?: Percent[]; max?: Percent[]; count?: number[];
  /** Times of the elements whose counting is unreliable. */
  unreliable?: number[];
  gaps: ToldGap[]; clock_steps: ClockStep[];
  kept_from?: number | null;
  /** Since when the finest steps are kept, where the service has a limit. */
  kept?: { samples_from: number | null; minutes_from: number | null };
  /** With series=modes. */
  modes?: Record<keyof Kinds, Percent[]>;
  /** With series=cores: [row][element]. */
  cores?: Percent[][];
  /** The CPU's number of each row of `cores`; absent: 0, 1, … */
  cpus?: number[];
}

interface Boot {
  lang: string; host: string; version: string;
  /** Seconds between two ticks. */
  interval: number;
  now: number; texts: Record<string, string>;
  samples: HistoryBody; minutes: HistoryBody; newest: Sample | null;
  /** `recording`, or `degraded: ` and the reason. */
  state: string;
  /** How many are online; null where the system does not tell. */
  cpus: number | null;
  /** The IANA name of the machine's time zone. */
  zone: string;
  /** When the machine was booted, UTC Unix seconds. */
  boot_time: number;
  who: Naming;
  /** Where samples are pushed to. */
  push?: Standing[];
}

/** How a receiver of samples fares; times in UTC Unix seconds, `behind` in seconds. */
interface Standing {
  receiver: string; until: number | null; behind: number;
  /** Samples that it refused for good, and what it said of the last. */
  refused: number; refusal: string | null;
  /** Why it takes none, or what it said of those that it refused last; null while all is well. */
  problem: string | null;
}

interface Hello {
  host: string; version: string; boot: string; interval: number; now: number; last_id: number | null; state: string;
}

/** What each event of the stream carries. */
interface Events {
  hello: Hello; resync: { last_id: number | null; reason: string };
  gap: ToldGap; minute: Average; sample: Sample; state: { state: string }; beat: { now: number };
}

/** `held`: the service answers, but of its stream nothing arrives. */
type Phase = "connecting" | "open" | "lost" | "held" | "hidden";
type Connection = "connecting" | "live" | "reconnecting" | "held" | "stale" | "hidden";

/** How fresh the page is; `since` is in UTC Unix seconds, null while there is nothing to date. */
interface Status { connection: Connection; since: number | null }

/** The columns of a chart: times, then one array a series. */
type Columns = [number[], ...Percent[][]];

/** An item of the list of what happened; where it is a gap, with its cause; where it leads to a stretch, with that. */
interface Remark { at: number; sentence: string; attributes: Record<string, string | number>; cause?: Cause; jump?: Stretch }

/** A range that follows the clock, or a span that stays. */
type View = { range: string } | { from: number; to: number };

/** A stretch in which the CPU was busy. */
interface Busy extends Stretch { mean: number; max: number; mode: "user" | "system" | "irq"; cores: "one" | "some" | "all" | null }

/** The answer of api/summary; percent, but `recorded`, a share from 0 to 1, and `above_s`. */
interface Digest extends Stretch {
  mean: Percent; min: Percent; max: Percent; max_time: number | null; p50: Percent; p95: Percent; p99: Percent;
  above_s: number; recorded: number; busy: Busy[];
}

/** How names are read, and whether this reader may see them. */
interface Naming {
  top: "off" | "units" | "all"; sight: "clear" | "no units" | "no processes" | "hidden" | "blind";
  /** Those of docker run that change it. */
  flags: string | null;
  /** Seconds between two readings while the CPUs work; null where there are none. */
  every: number | null;
  /** Why the last reading failed. */
  error: string | null;
  shown: boolean;
}

/** One of those who used the CPU; `cpu_s` in seconds, `first` and `last`: when it was read. Of a unit without pid and start. */
interface Leader {
  name: string; unit: string; pid?: number; started?: number;
  cpu_s: number; of_busy: Percent; of_machine: Percent; first: number; last: number;
}

/** The answer of api/top; seconds of CPU time. */
interface TopBody extends Stretch {
  by: Culprit["by"]; busy_s: number; top: Leader[];
  other_s: number; exited_s: number; unattributed_s: number; excess_s: number;
}

/** What the answer of api/history with series=top has: of each average pairs of a place in names, and percent of the machine. */
interface SharesBody {
  start: number; step: number;
  top: Record<"units" | "processes", {
    names: { name: string; unit: string; pid?: number }[]; shares: ([place: number, share: number][] | null)[];
  }>;
}

/** Whom the reader chose; a process has its pid. */
interface Culprit { by: "unit" | "process"; name: string; pid?: number | undefined }

/** What has to be fetched: so many points of a span, which is the view's at the time. */
interface Wanted { view: View; points: number; from: number; to: number }

/** Why a span cannot be shown: the status of HTTP, 0 without an answer, and what the service says. */
interface Failure { status: number; reason: string }

/** The slots between which the cursor moves: the times of the first and the last, and seconds between two. */
interface Grid { first: number; last: number; step: number; gaps: Gap[] }

/** What the charts show beside their lines. All times in UTC Unix seconds. */
interface Frame {
  from: number; to: number;
  /** Where the columns end: with the picture, or where that was before the next one has arrived. */
  end: number;
  gaps: Gap[]; clockSteps: ClockStep[];
  /** Where the counting of minutes or samples is unreliable. */
  unreliable: Stretch[];
  /** When the CPU was busy, as far as that is known. */
  busy?: Busy[];
  /** Before this nothing was ever recorded; null when nothing ever was. */
  beginning: number | null;
  /** After this nothing has arrived yet; null when up to date. */
  pending: number | null;
  connection: Connection;
}

interface Words {
  knows(key: string): boolean;
  text(key: string, values?: Record<string, string | number>): string;
  plural(key: string, count: number, values?: Record<string, string | number>): string;
}

/** Where the clocks show a time twice, as when they are set back, its offset stands beside it: 02:40 +02:00. */
interface Format {
  /** 12:03:10 */
  time(at: number): string;
  /** 12:03 */
  minute(at: number): string;
  /** 12:03, its offset in a second line. */
  tick(at: number): string;
  /** The same with seconds. */
  second(at: number): string;
  /** 27 Nov */
  day(at: number): string;
  /** Nov */
  month(at: number): string;
  /** 2026 */
  year(at: number): string;
  /** Fri 08:00 */
  weekHour(at: number): string;
  /** What a clock on the wall is ahead of UTC, s. */
  offset(at: number): number;
  /** 12:03:10, with the day where it is not today's. */
  instant(at: number): string;
  /** 12:03, with the day where it is not today's. */
  moment(at: number, now: number): string;
  /** 12:03, with the day where it is not today's. */
  when(at: number): string;
  /** 12:03:10–12:03:50; with both offsets where they differ, as in minutes and span. */
  times(from: number, to: number): string;
  /** 12:03–12:04 */
  minutes(from: number, to: number): string;
  /** 12:03–12:17, with seconds where minutes would not tell the ends apart, and with the day where it is not today. */
  span(from: number, to: number): string;
  /** 63.4 % */
  percent(value: Percent): string;
  /** 63 % */
  whole(value: Percent): string;
  number(value: number | null): string;
  /** 3 min 20 s */
  duration(seconds: number): string;
  /** 3 min */
  roughly(seconds: number): string;
  /** Europe/Moscow (GMT+3) */
  zone(at: number): string;
}

/** What the regions of a chart say, each candidate shorter than the one before, of one or more lines. */
interface Labels {
  gap(gap: Gap): string[][];
  pending(frame: Frame): string[][];
  before(frame: Frame): string[][];
}

interface ChartOptions {
  /** The focusable frame, of the size that the chart takes. */
  node: HTMLElement;
  /** After x; the cursor marks the last. */
  series: uPlot.Series[];
  /** Index of a time's slot, by default the nearest. */
  slotAt?: (time: number, columns: Columns) => number;
  labels: Labels; format: Format;
  /** How high what is drawn of a slot reaches. */
  topOf: (columns: Columns, i: number) => Percent;
  /** Whether gaps are painted over the series, whose slots may reach into them; without it they are. */
  gapsAbove?: (plot: uPlot) => boolean;
  /** The pointer is at a time, or has left. */
  onCursor: (time: number | null) => void;
  /** The pointer moves over the chart. */
  onPointer: () => void;
  /** True when the key was ours. */
  onKey: (press: KeyboardEvent) => boolean;
}

type Surroundings = Omit<ChartOptions, "series" | "slotAt" | "gapsAbove" | "topOf">;

/** Each once it is painted. */
interface Charts { samples?: import("./charts/chart.js").Chart; minutes?: import("./charts/chart.js").Chart }

/** What the first bundle lends to the second. */
interface Desk {
  boot: Boot; state: State; scene: Scene; charts: Charts; language: Language;
  /** Unix seconds of the browser's clock. */
  clock: () => number;
  look: (view: View, how: "push" | "replace" | "move") => void;
  paint: () => void;
  /** Moves the cursor; one that is pinned stays at its time. */
  moveTo: (time: number | null, pinned: boolean, grid?: "fine" | "coarse") => void;
  /** A key on what has a cursor, whose slots are those of the grid; true when it was ours. */
  onKey: (press: KeyboardEvent, readout: Readout, grid: "fine" | "coarse") => boolean;
  /** Called with each picture; without a version to paint it anew. */
  further: ((frame: Frame, version: string) => void)[];
  /** What the readouts of the samples and of the averages say besides of a time. */
  asides: Record<"fine" | "coarse", ((time: number) => string[])[]>;
  /** The zones in which times can be told, and the one chosen when the page was opened. */
  zones: { formats: Record<string, Format>; chosen: string };
  tellTimesIn: (zone: string) => void;
}

/** What the stream tells; `position` is what its address says of where to go on, `&after=` and an id or nothing. */
interface StreamListener {
  position: () => string;
  receive: <Name extends keyof Events>(name: Name, payload: Events[Name]) => void;
  enter: (phase: Phase) => void;
  /** Whether the service answers when it is asked for the stream's headers alone. */
  answers: () => Promise<boolean>;
}

/** The connection as it is known; `since` is when the phase began. */
interface Link { phase: Phase; since: number; newestTime: number | null; interval: number }

type Series = import("./model/series.js").Series;
type State = import("./model/state.js").State;
type Scene = import("./model/scene.js").Scene;

/** What is said of something. */
type Sentence<Subject, Text = string> = (subject: Subject, language: Language) => Text;

/** What a chart says of a time. */
type Readout = (time: number, series: Series, language: Language) => string;

/** What a sentence needs of the page's language. */
interface Language { words: Words; format: Format }

/** A machine of the fleet; shares in percent. */
interface Machine {
  host: string; labels: Record<string, string>;
  now: number | null; mean: number | null; max: number | null;
  /** Unix seconds of its newest sample. */
  last: number | null;
  cells: (number | null)[];
}

/** The body of /api/fleet. */
interface FleetBody {
  from: number; to: number; step: number; start: number; count: number; engine: string;
  total: (number | null)[];
  spread: { low: (number | null)[]; median: (number | null)[]; high: (number | null)[] };
  machines: Machine[];
}

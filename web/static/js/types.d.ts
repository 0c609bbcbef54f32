// Types that more than one module knows; global, so that the modules name them without an import.

/** A percentage 0–100, or null where nothing was measured. */
type Percent = number | null;

type Cause =
  | "rebooted" | "stopped" | "crashed" | "suspended"
  | "clock" | "unreadable" | "unwritten" | "stalled";

/**
 * A stretch (from, to] in UTC Unix seconds without samples; `cpu` is the mean that the counters prove for it. One that
 * is open has no end yet, and `to` is how far it is known to reach.
 */
interface Gap { from: number; to: number; cause: Cause; cpu: Percent; isOpen?: boolean }

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

/** One minute; `min` and `max` are those of its `count` samples. */
interface Minute {
  time: number; cpu: Percent; min: Percent; max: Percent; count: number;
  /** Counted over expected ticks, null or absent where not known. */
  accounted?: number | null;
  /** A history says it in place of `accounted`. */
  unreliable?: boolean;
}

/** The wall clock was set by so many seconds; `time` is as it was from then on. */
interface ClockStep { time: number; seconds: number }

/** A stretch (from, to] in UTC Unix seconds. */
interface Stretch { from: number; to: number }

/** The answer of api/history: element i has the time start + i * step. */
interface HistoryBody {
  host: string; now: number; from: number; to: number; step: number; start: number;
  last_id: number | null; cpu: Percent[];
  min?: Percent[]; max?: Percent[]; count?: number[];
  /** Times of the elements whose counting is unreliable. */
  unreliable?: number[];
  gaps: ToldGap[]; clock_steps: ClockStep[];
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
}

interface Hello {
  host: string; version: string; boot: string; interval: number; now: number; last_id: number | null; state: string;
}

/** What each event of the stream carries. */
interface Events {
  hello: Hello; resync: { last_id: number | null; reason: string };
  gap: ToldGap; minute: Minute; sample: Sample; state: { state: string }; beat: { now: number };
}

/** `held`: the service answers, but of its stream nothing arrives. */
type Phase = "connecting" | "open" | "lost" | "held" | "hidden";
type Connection = "connecting" | "live" | "reconnecting" | "held" | "stale" | "hidden";

/** How fresh the page is; `since` is in UTC Unix seconds, null while there is nothing to date. */
interface Status { connection: Connection; since: number | null }

/** The columns of a chart: times, then one array a series. */
type Columns = [number[], ...Percent[][]];

/** An item of the list of interruptions; where it is a gap, with its cause. */
interface Remark { at: number; sentence: string; attributes: Record<string, string | number>; cause?: Cause }

/** What both charts show beside their lines. All times in UTC Unix seconds. */
interface Frame {
  from: number; to: number; gaps: Gap[]; clockSteps: ClockStep[];
  /** Where the counting of minutes or samples is unreliable. */
  unreliable: Stretch[];
  /** Before this nothing was ever recorded; null when the hour is full. */
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
  /** 12:03, with the day where it is not today's. */
  moment(at: number, now: number): string;
  /** 12:03:10–12:03:50; with both offsets where they differ, as in minutes and span. */
  times(from: number, to: number): string;
  /** 12:03–12:04 */
  minutes(from: number, to: number): string;
  /** 12:03–12:17, with seconds where minutes would not tell the ends apart. */
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
  /** The pointer is at a time, or has left. */
  onCursor: (time: number | null) => void;
  /** The pointer moves over the chart. */
  onPointer: () => void;
  /** True when the key was ours. */
  onKey: (press: KeyboardEvent) => boolean;
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

type Hour = import("./core/store.js").Hour;
type State = import("./core/state.js").State;

/** What is said of something. */
type Sentence<Subject, Text = string> = (subject: Subject, language: Language) => Text;

/** What a chart says of a time. */
type Readout = (time: number, hour: Hour, language: Language) => string;

/** What a sentence needs of the page's language. */
interface Language { words: Words; format: Format }

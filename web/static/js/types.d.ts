// Types that more than one module knows; global, so that the modules name them without an import.

/** A percentage 0–100, or null where nothing was measured. */
type Percent = number | null;

type Cause =
  | "rebooted" | "stopped" | "crashed" | "suspended"
  | "clock" | "unreadable" | "unwritten" | "stalled";

/** A stretch (from, to] in UTC Unix seconds without samples; `cpu` is the mean that the counters prove for it. */
interface Gap { from: number; to: number; cause: Cause; cpu: Percent }

/** One tick; `time` is the end of what it covers, UTC Unix seconds. */
interface Sample {
  time: number; elapsed: number; weight: number; cpu: Percent;
  user: Percent; system: Percent; irq: Percent; iowait: Percent; steal: Percent;
  cores: Percent[] | null;
  /** 1-minute load average, processes. */
  load: number | null;
  pressure: Percent;
}

/** One minute; `min` and `max` are those of its `count` samples. */
interface Minute { time: number; cpu: Percent; min: Percent; max: Percent; count: number }

/** The answer of api/history: element i has the time start + i * step. */
interface HistoryBody {
  host: string; now: number; from: number; to: number; step: number; start: number;
  last_id: number | null; cpu: Percent[];
  min?: Percent[]; max?: Percent[]; count?: number[];
  gaps: Gap[];
}

interface Boot {
  lang: string; host: string; version: string;
  /** Seconds between two ticks. */
  interval: number;
  now: number; texts: Record<string, string>;
  samples: HistoryBody; minutes: HistoryBody; newest: Sample | null;
}

interface Hello { host: string; version: string; boot: string; interval: number; now: number; last_id: number | null }

/** What each event of the stream carries. */
interface Events {
  hello: Hello; resync: { last_id: number | null; reason: string };
  gap: Gap; minute: Minute; sample: Sample; beat: { now: number };
}

type Phase = "connecting" | "open" | "lost" | "hidden";
type Connection = "connecting" | "live" | "reconnecting" | "stale" | "hidden";

/** How fresh the page is; `since` is in UTC Unix seconds, null while there is nothing to date. */
interface Status { connection: Connection; since: number | null }

/** The columns of a chart: times, then one array a series. */
type Columns = [number[], ...Percent[][]];

/** What both charts show beside their lines. All times in UTC Unix seconds. */
interface Frame {
  from: number; to: number; gaps: Gap[];
  /** Before this nothing was ever recorded; null when the hour is full. */
  beginning: number | null;
  /** After this nothing has arrived yet; null when up to date. */
  pending: number | null;
  connection: Connection;
}

interface Words {
  text(key: string, values?: Record<string, string | number>): string;
  plural(key: string, count: number, values?: Record<string, string | number>): string;
}

interface Format {
  /** 12:03:10 */
  time(at: number): string;
  /** 12:03 */
  minute(at: number): string;
  /** 12:03, with the day where it is not today's. */
  moment(at: number, now: number): string;
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

/** What a sentence needs of the page's language. */
interface Language { words: Words; format: Format }

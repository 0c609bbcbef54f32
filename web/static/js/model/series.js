/** What was recorded in a span, on two grids. Any order and any duplication of records gives the same arrays. Pure. */

import { isMiscounted, joined, unreliableAmong } from "./doubts.js";
import { HOUR_S } from "./units.js";

/** @type {(keyof Kinds)[]} */
const KINDS = ["user", "system", "irq", "steal"];

/**
 * A ring of slots, one for each grid time of the span. The latest time wins, then the higher rank: the order of
 * arrival does not matter.
 * @template T
 */
export class Slots {
  /** @type {number[]} */ #times = [];
  /** @type {number[]} */ #ranks = [];
  /** @type {T[]} */ #rows = [];

  /**
   * @param {number} step seconds between two slots
   * @param {number} [span] seconds that they cover
   */
  constructor(step, span = HOUR_S) {
    this.step = step;
    /** One slot more than the span, so that a line enters the picture from outside. */
    this.size = Math.ceil(span / step) + 1;
  }

  /**
   * @param {number} time UTC Unix seconds, on the grid
   * @param {T} row
   * @param {number} rank
   */
  put(time, row, rank) {
    if (time % this.step !== 0) return;
    const place = (time / this.step) % this.size;
    const known = this.#times[place] ?? -Infinity;
    if (time < known || (time === known && rank <= /** @type {number} */ (this.#ranks[place]))) return;
    this.#times[place] = time;
    this.#ranks[place] = rank;
    this.#rows[place] = row;
  }

  /**
   * @param {number} time
   * @returns {T | null}
   */
  at(time) {
    const place = (time / this.step) % this.size;
    return this.#times[place] === time ? /** @type {T} */ (this.#rows[place]) : null;
  }

  /**
   * The grid times of the span that ends at or just before `end`, ascending.
   * @param {number} end
   */
  times(end) {
    const last = Math.floor(end / this.step) * this.step;
    return Array.from({ length: this.size }, (_, i) => last - (this.size - 1 - i) * this.step);
  }
}

/**
 * @param {HistoryBody} body
 * @returns {Average[]}
 */
function averagesOf(body) {
  const unreliable = new Set(body.unreliable);
  return body.cpu.map((cpu, i) => {
    const time = body.start + i * body.step;
    return {
      time,
      cpu,
      min: body.min ? (body.min[i] ?? null) : cpu,
      max: body.max ? (body.max[i] ?? null) : cpu,
      count: body.count ? (body.count[i] ?? 0) : Number(cpu !== null),
      unreliable: unreliable.has(time),
      ...(body.modes && { kinds: kindsAt(body.modes, i) }),
      ...(body.cores && { cores: body.cores.map((row) => row[i] ?? null) }),
    };
  });
}

/**
 * @param {Record<keyof Kinds, Percent[]>} modes
 * @param {number} i
 * @returns {Kinds}
 */
function kindsAt({ user, system, irq, steal }, i) {
  return { user: user[i] ?? null, system: system[i] ?? null, irq: irq[i] ?? null, steal: steal[i] ?? null };
}

export class Series {
  /** @type {Map<number, ToldGap>} */ #gaps = new Map();
  /** Of the fine grid, as of unreliableAmong. @type {Map<number, boolean>} */ #doubts = new Map();
  /** @type {Map<number, ClockStep>} */ #clockSteps = new Map();
  /** The latest time that any record named. */
  newest = -Infinity;
  hasAverage = false;
  /** The number of the CPU of each row of `cores`, null while none is known. @type {number[] | null} */
  cpus = null;
  /** Before this the rows of the fine grid are put together from finer ones; null: nothing is. @type {number | null} */
  keptFrom = null;
  /** Since when the finest steps are kept. @type {NonNullable<HistoryBody["kept"]>} */
  kept = { samples_from: null, minutes_from: null };

  /**
   * @param {HistoryBody} samples as finely as the picture has room for
   * @param {HistoryBody} averages
   * @param {number} [span] seconds that are shown and kept
   * @param {number} [limit] what is told of later times is not known here: the end of a span that does not move
   */
  constructor(samples, averages, span = HOUR_S, limit = Infinity) {
    this.span = span;
    this.limit = limit;
    /** @type {Slots<Average>} */
    this.fine = new Slots(samples.step, span);
    /** @type {Slots<Average>} */
    this.coarse = new Slots(averages.step, span + averages.step);
    this.load(samples, averages);
  }

  /**
   * Merges a history; what is known already stays.
   * @param {HistoryBody} samples
   * @param {HistoryBody} averages
   */
  load(samples, averages) {
    for (const row of averagesOf(samples)) this.#putFine(row);
    for (const time of samples.unreliable ?? []) this.#doubts.set(time, true);
    for (const gap of samples.gaps) this.putGap(gap);
    for (const step of samples.clock_steps) this.#clockSteps.set(step.time, step);
    this.keptFrom = samples.kept_from ?? null;
    this.kept = samples.kept ?? this.kept;
    this.loadAverages(averages);
  }

  /** @param {HistoryBody} averages */
  loadAverages(averages) {
    for (const row of averagesOf(averages)) this.putAverage(row);
    for (const gap of averages.gaps) this.putGap(gap);
    for (const step of averages.clock_steps) this.#clockSteps.set(step.time, step);
    if (averages.cores) this.cpus = averages.cpus ?? averages.cores.map((_, i) => i);
  }

  /** @param {Sample} sample */
  putSample(sample) {
    const { time, cpu, accounted } = sample;
    this.#putFine({ time, cpu, min: cpu, max: cpu, count: 1 });
    if (isMiscounted(accounted)) this.#doubts.set(time, this.#doubts.get(time) ?? false);
  }

  /** @param {Average} average */
  putAverage(average) {
    if (average.cpu === null) return;
    const { count, accounted = null } = average;
    const { unreliable = isMiscounted(accounted) } = average;
    const known = this.coarse.at(average.time);
    /* More samples know more, then a known share, then a doubt. The kinds and cores of the same samples are kept. */
    const rank = count + (accounted === null ? 0 : 0.5) + (unreliable ? 0.25 : 0);
    const merged = { ...(known?.count === count && { kinds: known.kinds, cores: known.cores }), ...average, unreliable };
    this.coarse.put(average.time, merged, rank);
    const kept = this.coarse.at(average.time);
    if (kept && kept !== merged && kept.count === count) {
      kept.kinds ??= average.kinds;
      kept.cores ??= average.cores;
    }
    this.hasAverage = true;
    this.#advance(average.time);
  }

  /** @param {ToldGap} gap */
  putGap(gap) {
    this.#advance(gap.to ?? gap.from);
    const known = this.#gaps.get(gap.from)?.to ?? null;
    /* An end that was told stays, and of two the later. */
    if (known !== null && (gap.to === null || known >= gap.to)) return;
    if (gap.to !== null && gap.to <= this.newest - this.span) this.#gaps.delete(gap.from);
    else this.#gaps.set(gap.from, gap);
  }

  /** @param {Average} row */
  #putFine(row) {
    if (row.cpu === null) return;
    this.fine.put(row.time, row, row.count);
    this.#advance(row.time);
  }

  /** @param {number} named */
  #advance(named) {
    const time = Math.min(named, this.limit);
    if (time <= this.newest) return;
    this.newest = time;
    for (const { from, to } of this.#gaps.values()) if (to !== null && to <= time - this.span) this.#gaps.delete(from);
    for (const known of [this.#doubts, this.#clockSteps]) {
      for (const at of known.keys()) if (at <= time - this.span) known.delete(at);
    }
  }

  /**
   * CPU % of the fine slot at `time`.
   * @param {number} time
   */
  cpuAt(time) {
    return this.fine.at(time)?.cpu ?? null;
  }

  /**
   * @param {number} end
   * @returns {[number[], Percent[]]} times and CPU %
   */
  samples(end) {
    const times = this.fine.times(end);
    return [times, times.map((time) => this.cpuAt(time))];
  }

  /**
   * Times of the fine slots whose counting is unreliable.
   * @param {number} [end]
   */
  doubtful(end = this.newest) {
    const times = this.fine.times(end).filter((time) => this.cpuAt(time) !== null);
    return unreliableAmong(times, this.#doubts);
  }

  /**
   * @param {number} end
   * @returns {[number[], Percent[], Percent[], Percent[], Percent[]]} times, then CPU % of each: if unreliable, lowest
   * sample, highest, mean
   */
  sampleColumns(end) {
    const times = this.fine.times(end);
    const doubtful = this.doubtful(end);
    const rows = times.map((time) => this.fine.at(time));
    /** @param {"min" | "max" | "cpu"} key */
    const column = (key) => rows.map((row) => row?.[key] ?? null);
    const cpu = column("cpu");
    const doubts = cpu.map((value, i) => (doubtful.has(/** @type {number} */ (times[i])) ? value : null));
    return [times, doubts, column("min"), column("max"), cpu];
  }

  /**
   * @param {number} end
   * @returns {[number[], Percent[], ...Percent[][]]}
   * times, then of each average: CPU % if its kinds are not known, each of its kinds, CPU % if unreliable, CPU %
   */
  averageColumns(end) {
    const times = this.coarse.times(Math.ceil(end / this.coarse.step) * this.coarse.step);
    const rows = times.map((time) => this.coarse.at(time));
    const undivided = rows.map((row) => (row?.kinds ? null : (row?.cpu ?? null)));
    const kinds = KINDS.map((kind) => rows.map((row) => row?.kinds?.[kind] ?? null));
    const doubts = rows.map((row) => (row?.unreliable ? row.cpu : null));
    return [times, undivided, ...kinds, doubts, rows.map((row) => row?.cpu ?? null)];
  }

  /**
   * The gaps that touch the span before `end`, ascending.
   * @param {number} end
   * @param {number} [known] when the service was last heard of: an open gap reaches as far
   * @returns {Gap[]}
   */
  gaps(end, known = end) {
    const all = [...this.#gaps.values()].map((gap) => this.#ended(gap, known));
    const touching = all.filter(({ from, to }) => to > Math.max(from, end - this.span) && from < end);
    return touching.sort((a, b) => a.from - b.from);
  }

  /**
   * An open gap ends where a sample follows, as when its end was not told.
   * @param {ToldGap} gap
   * @param {number} known
   * @returns {Gap}
   */
  #ended({ to, ...gap }, known) {
    if (to !== null) return { ...gap, to };
    const sample = this.fine.times(known).find((time) => time > gap.from && this.cpuAt(time) !== null);
    if (sample === undefined) return { ...gap, to: known, isOpen: true };
    /* Of an older one the sample that followed may be forgotten: then it is no gap of this span. */
    return { ...gap, to: gap.from > this.newest - this.span ? sample - this.fine.step : gap.from };
  }

  /** @param {number} end */
  clockSteps(end) {
    const within = [...this.#clockSteps.values()].filter(({ time }) => time > end - this.span);
    return within.sort((a, b) => a.time - b.time);
  }

  /**
   * Where averages or samples within the span before `end` are unreliable, ascending, neighbours as one.
   * @param {number} end
   */
  unreliable(end) {
    const averages = this.coarse.times(end).filter((time) => this.coarse.at(time)?.unreliable);
    const slots = [
      ...averages.map((to) => ({ from: to - this.coarse.step, to })),
      ...[...this.doubtful(end)].map((to) => ({ from: to - this.fine.step, to })),
    ];
    return joined(slots.filter(({ to }) => to > end - this.span && to <= end));
  }

  /** The gap that covers the slot at `time`. @param {number} time */
  gapAt(time) {
    const all = [...this.#gaps.values()].map((gap) => this.#ended(gap, Math.max(time, this.newest)));
    return all.find(({ from, to }) => from < time && time <= to) ?? null;
  }

  /**
   * Where the recording begins within the span before `end`: later holes have gaps, so what comes before the first
   * sample and the first gap was never recorded.
   * @param {number} end
   * @returns null when nothing was recorded at all
   */
  beginning(end) {
    const first = this.fine.times(end).find((time) => this.cpuAt(time) !== null) ?? Infinity;
    const begin = Math.min(first - this.fine.step, this.gaps(end)[0]?.from ?? Infinity);
    return begin === Infinity ? null : begin;
  }
}

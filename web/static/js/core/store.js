/** The hour as slots of a grid. Any order and any duplication of records gives the same arrays. Pure. */

import { isMiscounted, joined, unreliableAmong } from "./doubts.js";

/** Seconds that the page shows and keeps. */
export const SPAN_S = 3600;

/**
 * A ring of slots, one for each grid time of the hour. The latest time wins, then the higher rank: the order of
 * arrival does not matter.
 * @template T
 */
export class Slots {
  /** @type {number[]} */ #times = [];
  /** @type {number[]} */ #ranks = [];
  /** @type {T[]} */ #rows = [];

  /** @param {number} step seconds between two slots */
  constructor(step) {
    this.step = step;
    /** One slot more than the hour, so that a line enters the picture from outside. */
    this.size = Math.ceil(SPAN_S / step) + 1;
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
   * The grid times of the hour that ends at or just before `end`, ascending.
   * @param {number} end
   */
  times(end) {
    const last = Math.floor(end / this.step) * this.step;
    return Array.from({ length: this.size }, (_, i) => last - (this.size - 1 - i) * this.step);
  }
}

export class Hour {
  /** @type {Map<number, ToldGap>} */ #gaps = new Map();
  /** Of samples, as of unreliableAmong. @type {Map<number, boolean>} */ #doubts = new Map();
  /** @type {Map<number, ClockStep>} */ #clockSteps = new Map();
  /** The latest time that any record named. */
  newest = -Infinity;
  hasMinute = false;

  /**
   * @param {HistoryBody} samples
   * @param {HistoryBody} minutes
   */
  constructor(samples, minutes) {
    /** @type {Slots<number | null>} */
    this.cpu = new Slots(samples.step);
    /** @type {Slots<Minute>} */
    this.perMinute = new Slots(minutes.step);
    this.load(samples, minutes);
  }

  /**
   * Merges a history; what is known already stays.
   * @param {HistoryBody} samples
   * @param {HistoryBody} minutes
   */
  load(samples, minutes) {
    samples.cpu.forEach((cpu, i) => this.#putCpu(samples.start + i * samples.step, cpu));
    for (const time of samples.unreliable ?? []) this.#doubts.set(time, true);
    const unreliable = new Set(minutes.unreliable);
    minutes.cpu.forEach((cpu, i) => {
      const time = minutes.start + i * minutes.step;
      this.putMinute({
        time,
        cpu,
        min: minutes.min ? (minutes.min[i] ?? null) : cpu,
        max: minutes.max ? (minutes.max[i] ?? null) : cpu,
        count: minutes.count ? (minutes.count[i] ?? 0) : Number(cpu !== null),
        unreliable: unreliable.has(time),
      });
    });
    for (const gap of [...samples.gaps, ...minutes.gaps]) this.putGap(gap);
    for (const step of [...samples.clock_steps, ...minutes.clock_steps]) this.#clockSteps.set(step.time, step);
  }

  /** @param {Sample} sample */
  putSample(sample) {
    this.#putCpu(sample.time, sample.cpu);
    const { time, accounted } = sample;
    if (isMiscounted(accounted)) this.#doubts.set(time, this.#doubts.get(time) ?? false);
  }

  /** @param {Minute} minute */
  putMinute(minute) {
    if (minute.cpu === null) return;
    const { count, accounted = null } = minute;
    const { unreliable = isMiscounted(accounted) } = minute;
    /* More samples know more, then a known share, then a doubt. */
    const rank = count + (accounted === null ? 0 : 0.5) + (unreliable ? 0.25 : 0);
    this.perMinute.put(minute.time, { ...minute, unreliable }, rank);
    this.hasMinute = true;
    this.#advance(minute.time);
  }

  /** @param {ToldGap} gap */
  putGap(gap) {
    this.#advance(gap.to ?? gap.from);
    const known = this.#gaps.get(gap.from)?.to ?? null;
    /* An end that was told stays, and of two the later. */
    if (known !== null && (gap.to === null || known >= gap.to)) return;
    if (gap.to !== null && gap.to <= this.newest - SPAN_S) this.#gaps.delete(gap.from);
    else this.#gaps.set(gap.from, gap);
  }

  /**
   * @param {number} time
   * @param {number | null} cpu
   */
  #putCpu(time, cpu) {
    if (cpu === null) return;
    this.cpu.put(time, cpu, 1);
    this.#advance(time);
  }

  /** @param {number} time */
  #advance(time) {
    if (time <= this.newest) return;
    this.newest = time;
    for (const { from, to } of this.#gaps.values()) if (to !== null && to <= time - SPAN_S) this.#gaps.delete(from);
    for (const known of [this.#doubts, this.#clockSteps]) {
      for (const at of known.keys()) if (at <= time - SPAN_S) known.delete(at);
    }
  }

  /**
   * @param {number} end
   * @returns {[number[], Percent[]]} times and CPU %
   */
  samples(end) {
    const times = this.cpu.times(end);
    return [times, times.map((time) => this.cpu.at(time))];
  }

  /** Times of the samples whose counting is unreliable. */
  doubtful() {
    const times = this.cpu.times(this.newest).filter((time) => this.cpu.at(time) !== null);
    return unreliableAmong(times, this.#doubts);
  }

  /**
   * @param {number} end
   * @returns {[number[], Percent[], Percent[]]} times, CPU % if unreliable, CPU %
   */
  sampleColumns(end) {
    const [times, cpu] = this.samples(end);
    const doubtful = this.doubtful();
    return [times, cpu.map((value, i) => (doubtful.has(/** @type {number} */ (times[i])) ? value : null)), cpu];
  }

  /**
   * @param {number} end
   * @returns {[number[], Percent[], Percent[], Percent[], Percent[]]}
   * times, then CPU % of each minute: lowest sample, highest, mean if unreliable, mean
   */
  minutes(end) {
    const times = this.perMinute.times(end);
    const rows = times.map((time) => this.perMinute.at(time));
    /** @param {"min" | "max" | "cpu"} key */
    const column = (key) => rows.map((row) => row?.[key] ?? null);
    const doubtful = rows.map((row) => (row?.unreliable ? row.cpu : null));
    return [times, column("min"), column("max"), doubtful, column("cpu")];
  }

  /**
   * The gaps that touch the hour before `end`, ascending.
   * @param {number} end
   * @param {number} [known] when the service was last heard of: an open gap reaches as far
   * @returns {Gap[]}
   */
  gaps(end, known = end) {
    const all = [...this.#gaps.values()].map((gap) => this.#ended(gap, known));
    const touching = all.filter(({ from, to }) => to > Math.max(from, end - SPAN_S) && from < end);
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
    const sample = this.cpu.times(known).find((time) => time > gap.from && this.cpu.at(time) !== null);
    if (sample === undefined) return { ...gap, to: known, isOpen: true };
    /* Of an older one the sample that followed may be forgotten: then it is no gap of this hour. */
    return { ...gap, to: gap.from > this.newest - SPAN_S ? sample - this.cpu.step : gap.from };
  }

  /** @param {number} end */
  clockSteps(end) {
    const within = [...this.#clockSteps.values()].filter(({ time }) => time > end - SPAN_S);
    return within.sort((a, b) => a.time - b.time);
  }

  /**
   * Where minutes or samples within the hour before `end` are unreliable, ascending, neighbours as one.
   * @param {number} end
   */
  unreliable(end) {
    const minutes = this.perMinute.times(end).filter((time) => this.perMinute.at(time)?.unreliable);
    const slots = [
      ...minutes.map((to) => ({ from: to - this.perMinute.step, to })),
      ...[...this.doubtful()].map((to) => ({ from: to - this.cpu.step, to })),
    ];
    return joined(slots.filter(({ to }) => to > end - SPAN_S && to <= end));
  }

  /** The gap that covers the slot at `time`. @param {number} time */
  gapAt(time) {
    const all = [...this.#gaps.values()].map((gap) => this.#ended(gap, Math.max(time, this.newest)));
    return all.find(({ from, to }) => from < time && time <= to) ?? null;
  }

  /**
   * Where the recording begins within the hour before `end`: later holes have gaps, so what comes before the first
   * sample and the first gap was never recorded.
   * @param {number} end
   * @returns null when nothing was recorded at all
   */
  beginning(end) {
    const first = this.cpu.times(end).find((time) => this.cpu.at(time) !== null) ?? Infinity;
    const begin = Math.min(first - this.cpu.step, this.gaps(end)[0]?.from ?? Infinity);
    return begin === Infinity ? null : begin;
  }
}

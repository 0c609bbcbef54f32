/** What is usual at an hour of the week: where most of its quarter-hours lay in the weeks before. Pure. */

import { DAY_S, HOUR_S } from "./units.js";

/** Of an hour of the week so many count, the newest that have something recorded, and fewer tell nothing. */
const MOST_WEEKS = 4;
const LEAST_WEEKS = 2;
/** So far back they are looked for: a machine may be off for a week or two. */
const LOOK_BACK_S = 42 * DAY_S;
/** Where an hour is narrower than a few pixels a band would be a smear. */
export const LONGEST_USUAL_S = 7 * DAY_S;
const WEEK_HOURS = 168;
/** Shares of the quarter-hours below the band and above it. */
const [LOW, HIGH] = [0.1, 0.9];

/** @typedef {(at: number) => number} Offset what a clock on the wall is ahead of UTC, s */
/** @typedef {{from: number, to: number, low: number, high: number}} UsualHour percent, rounded by nobody */

/**
 * To ask a browser for each quarter-hour of weeks takes long; in a day that begins and ends alike nothing changes.
 * @param {Offset} offset
 * @returns {Offset}
 */
export function remembered(offset) {
  /** @type {Map<number, number>} */
  const midnights = new Map();
  /** @param {number} day */
  const midnight = (day) => {
    const known = midnights.get(day) ?? offset(day * DAY_S);
    midnights.set(day, known);
    return known;
  };
  return (at) => {
    const day = Math.floor(at / DAY_S);
    return midnight(day) === midnight(day + 1) ? midnight(day) : offset(at);
  };
}

/**
 * What to fetch for a span: whole days, so that it stays the same for the rest of the day.
 * @param {Stretch} span
 * @returns {Stretch}
 */
export function wantedUsual({ from, to }) {
  return { from: Math.floor((from - LOOK_BACK_S) / DAY_S) * DAY_S, to: Math.ceil(to / DAY_S) * DAY_S };
}

/**
 * @param {number[]} sorted ascending, at least one
 * @param {number} share
 * @returns the nearest rank
 */
const quantile = (sorted, share) => /** @type {number} */ (sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]);

export class Usual {
  /** Means of quarter-hours by hour of the week, then by week. @type {Map<number, Map<number, number[]>>} */
  #hours = new Map();
  #offset;

  /**
   * @param {Pick<HistoryBody, "start" | "step" | "cpu">} quarterHours
   * @param {Offset} offset of the machine's zone: its habits follow its own clock
   */
  constructor({ start, step, cpu }, offset) {
    this.#offset = remembered(offset);
    cpu.forEach((value, i) => {
      if (value === null) return;
      const { hour, week } = this.#place(start + (i - 1) * step);
      const weeks = this.#hours.get(hour) ?? new Map();
      weeks.set(week, [...(weeks.get(week) ?? []), value]);
      this.#hours.set(hour, weeks);
    });
  }

  /** Whether there are two weeks of anything. */
  get isKnown() {
    return [...this.#hours.values()].some((weeks) => weeks.size >= LEAST_WEEKS);
  }

  /**
   * The hour on the wall that a time lies in.
   * @param {number} at
   * @returns {UsualHour | null} null where fewer than two weeks before know it
   */
  at(at) {
    const { hour, week, from } = this.#place(at);
    const before = [...(this.#hours.get(hour) ?? [])].filter(([one]) => one < week).sort(([a], [b]) => b - a);
    if (before.length < LEAST_WEEKS) return null;
    const values = before.slice(0, MOST_WEEKS).flatMap(([, means]) => means).sort((a, b) => a - b);
    return { from, to: from + HOUR_S, low: quantile(values, LOW), high: quantile(values, HIGH) };
  }

  /**
   * Each hour that a span touches, ascending; none where nothing is known.
   * @param {Stretch} span
   */
  hours({ from, to }) {
    const found = [];
    for (let at = from; at < to; at = this.#place(at).from + HOUR_S) {
      const hour = this.at(at);
      if (hour) found.push({ ...hour, from: Math.max(at, hour.from) });
    }
    return found;
  }

  /** @param {number} at */
  #place(at) {
    const wall = at + this.#offset(at);
    const hours = Math.floor(wall / HOUR_S);
    return { hour: hours % WEEK_HOURS, week: Math.floor(hours / WEEK_HOURS), from: at - (wall - hours * HOUR_S) };
  }
}

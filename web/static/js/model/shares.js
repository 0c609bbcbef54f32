/** How much of the machine each name took, average by average: what small lines and a chosen name are drawn from. Pure. */

import { culpritText } from "./culprit.js";

/** The newest averages are asked for again: names are stored a little after the samples that they explain. */
const UNSURE = 2;
/** Averages that are remembered; a picture has some 120, and what follows the clock goes on for days. */
const MOST = 500;

/** @typedef {{time: number, share: Percent}} Portion of the machine, of the average that ends then */

export class Shares {
  /** Seconds of an average; 0 before the first answer. */
  step = 0;
  /** Counts what was loaded. */
  revision = 0;
  /** Percent of the machine by the time of an average, then by name as of culpritText. @type {Map<number, Map<string, number>>} */
  #told = new Map();
  /** @type {Stretch} */ #known = { from: 0, to: 0 };

  /**
   * What is missing of a span: all of it, or its newest averages.
   * @param {Stretch} span
   * @param {number} step
   * @returns {Stretch & {step: number}}
   */
  missing({ from, to }, step) {
    const [first, last] = [Math.floor(from / step) * step, Math.ceil(to / step) * step];
    const known = this.#known;
    const goesOn = step === this.step && known.from <= first && first <= known.to && known.to <= last;
    return { from: goesOn ? Math.max(first, known.to - UNSURE * step) : first, to: last, step };
  }

  /** @param {SharesBody} body */
  load({ start, step, top }) {
    const [from, to] = [start - step, start + (top.units.shares.length - 1) * step];
    const known = this.#known;
    const goesOn = step === this.step && known.from <= from && from <= known.to && known.to <= to;
    if (!goesOn) this.#told.clear();
    this.step = step;
    this.#known = { from: goesOn ? known.from : from, to };
    const [units, processes] = [byTime(top.units, "unit"), byTime(top.processes, "process")];
    units.forEach((pairs, i) => {
      const all = [...(pairs ?? []), ...(processes[i] ?? [])];
      this.#told.set(start + i * step, new Map(all));
    });
    this.#forget();
    this.revision += 1;
  }

  #forget() {
    for (const time of [...this.#told.keys()].slice(0, -MOST)) {
      this.#told.delete(time);
      this.#known.from = time;
    }
  }

  /**
   * Of one name, in each average of a span that was asked for: until its own come, a year has nothing of the minutes of
   * an hour but these.
   * @param {string} name as of culpritText
   * @param {Stretch} span
   * @returns {Portion[]} `share` is null where it is not among the first, and where nothing was read
   */
  of(name, { from, to }) {
    const { step } = this;
    const known = this.#known;
    if (step === 0) return [];
    const first = (Math.floor(Math.max(from, known.from) / step) + 1) * step;
    const count = Math.max(0, Math.ceil((Math.min(to, known.to) - first) / step) + 1);
    return Array.from({ length: count }, (_, i) => {
      const time = first + i * step;
      return { time, share: this.at(name, time) };
    });
  }

  /**
   * @param {string} name as of culpritText
   * @param {number} time the end of an average
   * @returns {Percent}
   */
  at(name, time) {
    return this.#told.get(time)?.get(name) ?? null;
  }
}

/**
 * @param {SharesBody["top"]["units"]} told
 * @param {Culprit["by"]} by
 * @returns {([name: string, share: number][] | null)[]} of each average
 */
function byTime({ names, shares }, by) {
  const texts = names.map(({ name, pid }) => culpritText({ by, name, pid }));
  return shares.map((pairs) => pairs?.map(([place, share]) => [/** @type {string} */ (texts[place]), share]) ?? null);
}

/** Whose counting is unreliable: by the same rule as a history tells it. Pure. */

/** Farther from 1 than this, `accounted` says that the load may have run in step with the timer. */
const TOLERANCE = 0.2;

/** Samples in a row. A single one is counted unevenly now and then, the ticks of one interval landing in the next. */
const UNRELIABLE_RUN = 3;

/** @param {number | null | undefined} accounted counted over expected ticks */
export function isMiscounted(accounted) {
  return typeof accounted === "number" && Math.abs(accounted - 1) > TOLERANCE;
}

/** The samples in doubt. */
export class Doubts {
  /** By time, whether a history has told it: then it is so, whoever its neighbours are. @type {Map<number, boolean>} */
  #known = new Map();

  /** A history told that the sample is unreliable. @param {number} time */
  tell(time) {
    this.#known.set(time, true);
  }

  /** The sample was counted unevenly. @param {number} time */
  suspect(time) {
    if (!this.#known.has(time)) this.#known.set(time, false);
  }

  /** @param {number} until */
  forget(until) {
    for (const time of this.#known.keys()) if (time <= until) this.#known.delete(time);
  }

  /**
   * Those that are unreliable.
   * @param {number[]} times of all samples, ascending: what is in a row is seen from them
   */
  among(times) {
    /** @type {Set<number>} */
    const found = new Set();
    if (this.#known.size === 0) return found;
    /** @type {number[]} */
    let run = [];
    const end = () => {
      const isRun = run.length >= UNRELIABLE_RUN || run.some((time) => this.#known.get(time));
      if (isRun) run.forEach((time) => found.add(time));
      run = [];
    };
    for (const time of times) {
      if (this.#known.has(time)) run.push(time);
      else end();
    }
    end();
    return found;
  }
}

/**
 * Slots as stretches, ascending, neighbours as one.
 * @param {Stretch[]} slots
 */
export function joined(slots) {
  /** @type {Stretch[]} */
  const stretches = [];
  for (const { from, to } of [...slots].sort((a, b) => a.from - b.from)) {
    const last = stretches[stretches.length - 1];
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else stretches.push({ from, to });
  }
  return stretches;
}

/** Whose counting is unreliable: by the same rule as a history tells it. Pure. */

/** Farther from 1 than this, `accounted` says that the load may have run in step with the timer. */
const TOLERANCE = 0.2;

/** Samples in a row. A single one is counted unevenly now and then, the ticks of one interval landing in the next. */
const UNRELIABLE_RUN = 3;

/** @param {number | null | undefined} accounted counted over expected ticks */
export function isMiscounted(accounted) {
  return typeof accounted === "number" && Math.abs(accounted - 1) > TOLERANCE;
}

/**
 * The samples that are unreliable.
 * @param {number[]} times of all samples, ascending: what is in a row is seen from them
 * @param {Map<number, boolean>} doubts times of those that were counted unevenly, and whether a history told that they
 * are unreliable: then they are, whoever their neighbours
 */
export function unreliableAmong(times, doubts) {
  /** @type {Set<number>} */
  const found = new Set();
  /** @type {number[]} */
  let run = [];
  /* What is none ends the last run. */
  for (const time of [...times, NaN]) {
    if (doubts.has(time)) run.push(time);
    else {
      if (run.length >= UNRELIABLE_RUN || run.some((one) => doubts.get(one))) run.forEach((one) => found.add(one));
      run = [];
    }
  }
  return found;
}

/**
 * Slots as stretches, ascending, neighbours as one.
 * @param {Stretch[]} slots
 */
export function joined(slots) {
  /** @type {Stretch[]} */
  const stretches = [];
  for (const { from, to } of slots.sort((a, b) => a.from - b.from)) {
    const last = stretches[stretches.length - 1];
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else stretches.push({ from, to });
  }
  return stretches;
}

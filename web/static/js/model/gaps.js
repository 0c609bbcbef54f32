/** Which gap is meant, and which are told. Pure. */

/** Interruptions that are told one by one at least, and at most. */
const TOLD = 12;
const MOST_TOLD = 100;

/**
 * @param {Gap[]} gaps
 * @param {number} time
 * @param {number} tolerance s, on either side
 * @returns {Gap | null} the nearest; of several that are told as one none
 */
export function gapNear(gaps, time, tolerance) {
  /** @param {Gap} gap */
  const distance = ({ from, to }) => Math.max(from - time, time - to, 0);
  const near = gaps.filter((gap) => gap.count === undefined && distance(gap) <= tolerance).sort((a, b) => distance(a) - distance(b));
  return near[0] ?? null;
}

/**
 * All that can be seen and pointed at, and the longest of the others; as they came while there are few.
 * @param {Gap[]} gaps
 * @param {number} visible seconds from which on a gap is wide enough to be pointed at
 * @returns {[told: Gap[], further: Gap[]]}
 */
export function toldGaps(gaps, visible) {
  if (gaps.length <= TOLD) return [gaps, []];
  const sorted = [...gaps].sort((a, b) => b.to - b.from - (a.to - a.from));
  const wide = sorted.filter(({ from, to, count }) => count === undefined && to - from >= visible).length;
  const told = Math.min(MOST_TOLD, Math.max(TOLD, wide));
  return [sorted.slice(0, told), sorted.slice(told)];
}

/** How much time a sample covers: its slot, or all since the sample before it when the sampling was held up. Pure. */

/**
 * Whether a sample was measured in one piece with the gap before it. A service that was off, crashed or asleep measured
 * nothing meanwhile; counters that could not be read, or stood still, may have begun anew.
 * @param {Gap} gap
 * @param {Percent} cpu of the sample that follows the gap
 */
function isMeasured({ cause, cpu: mean }, cpu) {
  return cpu !== null && (cause === "stalled" || (cause === "unreadable" && mean === cpu));
}

/**
 * What single samples cover that is longer than their slot, ascending.
 * @param {Series} series
 * @param {number} [end] of the picture
 * @returns {Stretch[]}
 */
export function longSamples(series, end = series.newest) {
  const { step } = series.fine;
  return series.gaps(end).flatMap((gap) => {
    const to = (Math.floor(gap.to / step) + 1) * step;
    return isMeasured(gap, series.cpuAt(to)) ? [{ from: gap.from, to }] : [];
  });
}

/**
 * When that begins which the figures of a slot cover.
 * @param {number} end of the slot
 * @param {number} step its length, s
 * @param {Stretch[]} long as of longSamples
 */
export function coveredFrom(end, step, long) {
  const own = long.find(({ to }) => end - step < to && to <= end);
  return Math.min(end - step, own?.from ?? Infinity);
}

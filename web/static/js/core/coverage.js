/** How much time a sample covers: its slot, or all since the sample before it when the sampling was held up. Pure. */

/**
 * What was measured in one piece: a sample over the gap before it. A service that was off, crashed or asleep measured
 * nothing meanwhile.
 * @param {Gap} gap
 * @param {Percent} cpu of the sample that follows the gap
 */
function isMeasured({ cause, cpu: mean }, cpu) {
  if (cpu === null) return false;
  // Counters that could not be read, or stood still, may have begun anew: then the sample covers its own slot alone.
  return cause === "stalled" || (cause === "unreadable" && mean === cpu);
}

/**
 * What single samples cover that is longer than their slot, ascending.
 * @param {Hour} hour
 * @param {number} [end] of the picture
 * @returns {Stretch[]}
 */
export function longSamples(hour, end = hour.newest) {
  const { cpu } = hour;
  const closed = hour.gaps(end).filter(({ isOpen }) => !isOpen);
  return closed.flatMap((gap) => {
    const to = (Math.floor(gap.to / cpu.step) + 1) * cpu.step;
    return isMeasured(gap, cpu.at(to)) ? [{ from: gap.from, to }] : [];
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

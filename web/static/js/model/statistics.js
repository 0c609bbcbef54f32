/** Figures of a span. Pure. */

/**
 * @param {Percent[]} values
 * @param {number[]} weights of the values in their mean: the time that each covers; 0 leaves one out
 * @returns null without any value
 */
export function extremes(values, weights) {
  let [sum, total, peakIndex, lowest] = [0, 0, -1, Infinity];
  values.forEach((value, i) => {
    const weight = /** @type {number} */ (weights[i]);
    if (value === null || weight <= 0) return;
    sum += value * weight;
    total += weight;
    lowest = Math.min(lowest, value);
    if (peakIndex < 0 || value > /** @type {number} */ (values[peakIndex])) peakIndex = i;
  });
  if (total === 0) return null;
  return { mean: sum / total, peak: /** @type {number} */ (values[peakIndex]), peakIndex, lowest };
}

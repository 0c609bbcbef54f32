/** A band between two series: from the one that has it to the one after. */

import { eachSlot, heightOf, valuesOf } from "./slots.js";

/** @type {uPlot.Series.PathBuilder} */
function bandPath(plot, series) {
  const fill = new Path2D();
  const [lows, highs] = [valuesOf(plot.data, series), valuesOf(plot.data, series + 1)];
  eachSlot(plot, series, (left, right, i) => {
    const [low, high] = [heightOf(plot, lows[i] ?? 0), heightOf(plot, highs[i] ?? 0)];
    /* What is narrower than a pixel still covers one. */
    if (low > high) fill.rect(left, high, Math.max(1, right - left), low - high);
  });
  return { fill };
}

/**
 * @param {() => string} colour
 * @returns {uPlot.Series[]}
 */
export function band(colour) {
  return [{ paths: bandPath, fill: colour, width: 0, points: { show: false } }, { show: false }];
}

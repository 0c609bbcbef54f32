/** Parts of a mean, one above the other, and the line of the mean on top. */

import { eachSlot, heightOf, valuesOf } from "./slots.js";

/** Where a slot is wider than this, a gap of a pixel sets it apart from the next. Canvas px. */
const WIDE = 6;
/** Of a mean that is unreliable. CSS px. */
const DASH = 3;

/**
 * @param {number[]} below the series that it stands on
 * @returns {uPlot.Series.PathBuilder}
 */
const layer = (below) => (plot, series) => {
  const fill = new Path2D();
  const values = valuesOf(plot.data, series);
  const ground = below.map((one) => valuesOf(plot.data, one));
  eachSlot(plot, series, (left, right, i) => {
    const base = ground.reduce((sum, column) => sum + (column[i] ?? 0), 0);
    const [low, high] = [heightOf(plot, base), heightOf(plot, Math.min(100, base + (values[i] ?? 0)))];
    const width = right - left;
    if (low > high) fill.rect(left, high, width > WIDE ? width - 1 : Math.max(1, width), low - high);
  });
  return { fill };
};

/**
 * @param {number[]} below the series that it stands on
 * @param {() => string | CanvasPattern} colour
 * @returns {uPlot.Series}
 */
export function part(below, colour) {
  return { paths: layer(below), fill: /** @type {() => string} */ (colour), width: 0, points: { show: false } };
}

/**
 * Dashed where the series before has a value: there the mean is unreliable.
 * @type {uPlot.Series.PathBuilder}
 */
function steps(plot, series) {
  const stroke = new Path2D();
  const values = valuesOf(plot.data, series);
  const doubtful = valuesOf(plot.data, series - 1);
  eachSlot(plot, series, (left, right, i, follows) => {
    const y = heightOf(plot, values[i] ?? 0);
    const dash = doubtful[i] === null ? Infinity : Math.min(DASH * devicePixelRatio, (right - left) / 3);
    if (follows) stroke.lineTo(left, y);
    else stroke.moveTo(left, y);
    for (let x = left + dash; x < right; x += 2 * dash) {
      stroke.lineTo(x, y);
      stroke.moveTo(Math.min(x + dash, right), y);
    }
    stroke.lineTo(right, y);
  });
  return { stroke };
}

/**
 * @param {() => string} colour
 * @returns {uPlot.Series}
 */
export function top(colour) {
  return { paths: steps, stroke: colour, width: 1.5, points: { show: false } };
}

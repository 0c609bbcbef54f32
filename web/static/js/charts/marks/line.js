/** A line through values, broken where there is none; of means, through the middle of what each covers. */

import { heightOf, stepOf, valuesOf } from "./slots.js";

/**
 * A line through one point is invisible: values without a neighbour get a dot, and the newest one.
 * @param {Percent[]} values
 */
function dots(values) {
  const last = values.reduce((/** @type {number} */ found, value, i) => (value === null ? found : i), -1);
  return values.flatMap((value, i) => {
    const alone = (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null;
    return value !== null && (alone || i === last) ? [i] : [];
  });
}

/**
 * Whether the line is one of means: a value has samples below and above it.
 * @param {uPlot.AlignedData} columns
 * @param {number} series that of the line, after those of the lowest and the highest
 */
export function isOfMeans(columns, series) {
  const highest = valuesOf(columns, series - 1);
  return valuesOf(columns, series - 2).some((lowest, i) => lowest !== highest[i]);
}

/** @type {uPlot.Series.PathBuilder} */
function linePath(plot, series) {
  const [stroke, fill] = [new Path2D(), new Path2D()];
  const values = valuesOf(plot.data, series);
  const [times] = plot.data;
  const shift = isOfMeans(plot.data, series) ? stepOf(plot.data) / 2 : 0;
  const ground = heightOf(plot, 0);
  let last = null;
  for (const [i, value] of values.entries()) {
    const x = plot.valToPos(/** @type {number} */ (times[i]) - shift, "x", true);
    const y = value === null ? ground : heightOf(plot, value);
    if (value !== null && last === null) {
      stroke.moveTo(x, y);
      fill.moveTo(x, ground);
    }
    if (value !== null) {
      stroke.lineTo(x, y);
      fill.lineTo(x, y);
      last = x;
    } else if (last !== null) {
      fill.lineTo(last, ground);
      last = null;
    }
  }
  if (last !== null) fill.lineTo(last, ground);
  return { stroke, fill };
}

/**
 * @param {() => string} colour
 * @param {() => string} shade below a line of samples; of means there is a band instead
 * @returns {uPlot.Series}
 */
export function line(colour, shade) {
  return {
    paths: linePath,
    stroke: colour,
    fill: (plot, i) => (isOfMeans(plot.data, i) ? "transparent" : shade()),
    width: 1.5,
    points: { show: false, size: 6, fill: colour, stroke: colour, filter: ({ data }, i) => dots(valuesOf(data, i)) },
  };
}

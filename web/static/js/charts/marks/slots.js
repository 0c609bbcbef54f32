/** Slots of a column on the canvas: what every mark of a mean stands on. */

/**
 * @param {uPlot.AlignedData} columns
 * @param {number} series
 */
export function valuesOf(columns, series) {
  return /** @type {Percent[]} */ (columns[series]);
}

/** @param {uPlot.AlignedData} columns @returns seconds */
export function stepOf([times]) {
  return (times[1] ?? 0) - (times[0] ?? 0);
}

/**
 * Each recorded slot, which is the one before its time: edges in canvas px, index, whether it follows another.
 * @param {uPlot} plot
 * @param {number} series
 * @param {(left: number, right: number, i: number, follows: boolean) => void} draw
 */
export function eachSlot({ data, valToPos }, series, draw) {
  const [times] = data;
  const values = valuesOf(data, series);
  const step = stepOf(data);
  times.forEach((time, i) => {
    if (values[i] === null) return;
    const [left, right] = [time - step, time].map((at) => Math.round(valToPos(at, "x", true)));
    draw(/** @type {number} */ (left), /** @type {number} */ (right), i, (values[i - 1] ?? null) !== null);
  });
}

/**
 * @param {uPlot} plot
 * @param {number} percent
 */
export function heightOf({ valToPos }, percent) {
  return valToPos(percent, "y", true);
}

/** The two charts of the hour: samples, and minutes with the band between their lowest and highest sample. */

import { Chart } from "./base.js";
import { theme } from "./theme.js";

const MINUTE_S = 60;
/** Of what is unreliable: a dash, and half the width of a mark, at most and at least. CSS px. */
const DASH = 3;
const MARK = 4;
const NARROWEST_MARK = 2;

/** @typedef {Omit<ChartOptions, "series" | "slotAt">} Surroundings */

/**
 * @param {uPlot.AlignedData} data
 * @param {number} series
 */
function valuesOf(data, series) {
  return /** @type {Percent[]} */ (data[series]);
}

/**
 * A line through one point is invisible: samples without a neighbour get a dot, and the newest one.
 * @param {(number | null)[]} values
 */
function dots(values) {
  const last = values.reduce((/** @type {number} */ found, value, i) => (value === null ? found : i), -1);
  return values.flatMap((value, i) => {
    const alone = (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null;
    return value !== null && (alone || i === last) ? [i] : [];
  });
}

/**
 * @param {Surroundings} surroundings
 * @param {Columns} columns as of Hour.sampleColumns
 * @param {Frame} frame
 */
export function sampleChart(surroundings, columns, frame) {
  const load = () => theme().load;
  /** @type {uPlot.Series} */
  const series = {
    stroke: load,
    fill: () => theme()["load-fill"],
    width: 1.5,
    points: { show: false, size: 6, fill: load, stroke: load, filter: ({ data }, i) => dots(valuesOf(data, i)) },
  };
  return new Chart({ ...surroundings, series: [doubts(), series] }, columns, frame);
}

/**
 * Each recorded slot, which is the one before its time: edges in canvas px, index, whether it follows another.
 * @param {uPlot} plot
 * @param {number} series
 * @param {(left: number, right: number, i: number, follows: boolean) => void} draw
 */
function eachSlot({ data, valToPos }, series, draw) {
  const [times] = data;
  const values = valuesOf(data, series);
  const step = (times[1] ?? 0) - (times[0] ?? 0);
  times.forEach((time, i) => {
    if (values[i] === null) return;
    const [left, right] = [time - step, time].map((at) => Math.round(valToPos(at, "x", true)));
    draw(/** @type {number} */ (left), /** @type {number} */ (right), i, (values[i - 1] ?? null) !== null);
  });
}

/**
 * @param {uPlot} plot
 * @param {number} series
 * @param {number} i
 */
function yOf({ data, valToPos }, series, i) {
  return valToPos(valuesOf(data, series)[i] ?? 0, "y", true);
}

/**
 * Dashed where the series before has a value: there the mean is unreliable.
 * @type {uPlot.Series.PathBuilder}
 */
function steps(plot, series) {
  const stroke = new Path2D();
  const doubtful = valuesOf(plot.data, series - 1);
  eachSlot(plot, series, (left, right, i, follows) => {
    const y = yOf(plot, series, i);
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
 * Triangles that hang from the top.
 * @type {uPlot.Series.PathBuilder}
 */
function marks(plot, series) {
  const fill = new Path2D();
  const { top } = plot.bbox;
  eachSlot(plot, series, (left, right) => {
    const middle = (left + right) / 2;
    const half = Math.max(NARROWEST_MARK * devicePixelRatio, Math.min((right - left) / 2, MARK * devicePixelRatio));
    fill.moveTo(middle - half, top);
    fill.lineTo(middle + half, top);
    fill.lineTo(middle, top + 1.5 * MARK * devicePixelRatio);
  });
  return { fill };
}

/** What is unreliable, marked. @returns {uPlot.Series} */
function doubts() {
  return { paths: marks, fill: () => theme().warn, width: 0, points: { show: false } };
}

/**
 * From the series to the one after it.
 * @type {uPlot.Series.PathBuilder}
 */
function band(plot, series) {
  const fill = new Path2D();
  eachSlot(plot, series, (left, right, i) => {
    const low = yOf(plot, series, i);
    const high = yOf(plot, series + 1, i);
    fill.rect(left, high, right - left, low - high);
  });
  return { fill };
}

/**
 * @param {Surroundings} surroundings
 * @param {Columns} columns as of Hour.minutes
 * @param {Frame} frame
 */
export function minuteChart(surroundings, columns, frame) {
  /** @type {uPlot.Series[]} */
  const series = [
    { paths: band, fill: () => theme()["minute-fill"], width: 0, points: { show: false } },
    { show: false },
    doubts(),
    { paths: steps, stroke: () => theme().minute, width: 1.75, points: { show: false } },
  ];
  /** @type {NonNullable<ChartOptions["slotAt"]>} */
  const slotAt = (time, [times]) => {
    const minute = Math.ceil((time - (times[0] ?? 0)) / MINUTE_S);
    return Math.min(times.length - 1, Math.max(0, minute));
  };
  return new Chart({ ...surroundings, series, slotAt }, columns, frame);
}

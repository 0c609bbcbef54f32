/** The two charts of the hour: samples, and minutes with the band between their lowest and highest sample. */

import { Chart } from "./base.js";
import { theme } from "./theme.js";

const MINUTE_S = 60;

/** @typedef {Omit<import("./base.js").ChartOptions, "series" | "slotAt">} Surroundings */

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
  const last = values.findLastIndex((value) => value !== null);
  return values.flatMap((value, i) => {
    const alone = (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null;
    return value !== null && (alone || i === last) ? [i] : [];
  });
}

/**
 * @param {Surroundings} surroundings
 * @param {Columns} columns times and CPU %
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
  return new Chart({ ...surroundings, series: [series] }, columns, frame);
}

/**
 * Calls back for each recorded minute with its edges in canvas px, its index and whether it follows a recorded one.
 * A value stands for the whole minute before its time.
 * @param {uPlot} plot
 * @param {number} series
 * @param {(left: number, right: number, i: number, follows: boolean) => void} draw
 */
function eachMinute({ data, valToPos }, series, draw) {
  const [times] = data;
  const values = valuesOf(data, series);
  times.forEach((time, i) => {
    if (values[i] === null) return;
    const [left, right] = [time - MINUTE_S, time].map((at) => Math.round(valToPos(at, "x", true)));
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

/** @type {uPlot.Series.PathBuilder} */
function steps(plot, series) {
  const stroke = new Path2D();
  eachMinute(plot, series, (left, right, i, follows) => {
    const y = yOf(plot, series, i);
    if (follows) stroke.lineTo(left, y);
    else stroke.moveTo(left, y);
    stroke.lineTo(right, y);
  });
  return { stroke };
}

/**
 * From the series to the one after it.
 * @type {uPlot.Series.PathBuilder}
 */
function band(plot, series) {
  const fill = new Path2D();
  eachMinute(plot, series, (left, right, i) => {
    const low = yOf(plot, series, i);
    const high = yOf(plot, series + 1, i);
    fill.rect(left, high, right - left, low - high);
  });
  return { fill };
}

/**
 * @param {Surroundings} surroundings
 * @param {Columns} columns times, then lowest, highest and mean CPU % of each minute
 * @param {Frame} frame
 */
export function minuteChart(surroundings, columns, frame) {
  /** @type {uPlot.Series[]} */
  const series = [
    { paths: band, fill: () => theme()["minute-fill"], width: 0, points: { show: false } },
    { show: false },
    { paths: steps, stroke: () => theme().minute, width: 1.75, points: { show: false } },
  ];
  /** @type {NonNullable<import("./base.js").ChartOptions["slotAt"]>} */
  const slotAt = (time, [times]) => {
    const minute = Math.ceil((time - (times[0] ?? 0)) / MINUTE_S);
    return Math.min(times.length - 1, Math.max(0, minute));
  };
  return new Chart({ ...surroundings, series, slotAt }, columns, frame);
}

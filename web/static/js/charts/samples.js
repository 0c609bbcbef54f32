/** The chart of samples; where there are more of them than pixels, of their mean, lowest and highest. */

import { Chart } from "./chart.js";
import { band } from "./marks/band.js";
import { doubts } from "./marks/doubts.js";
import { isOfMeans, line } from "./marks/line.js";
import { theme } from "./theme.js";

/**
 * @param {Surroundings} surroundings
 * @param {Columns} columns as of Series.sampleColumns
 * @param {Frame} frame
 */
export function sampleChart(surroundings, columns, frame) {
  const load = line(() => theme().load, () => theme()["load-fill"]);
  /* A sample that stands alone between two gaps would be hidden by them. */
  const gapsAbove = (/** @type {uPlot} */ { data, series }) => isOfMeans(data, series.length - 1);
  /** @param {Columns} shown @param {number} i */
  const topOf = (shown, i) => shown[3]?.[i] ?? null;
  return new Chart({ ...surroundings, series: [doubts(), ...band(() => theme().band), load], gapsAbove, topOf }, columns, frame);
}

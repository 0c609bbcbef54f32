/** The chart of averages, by kind of work. */

import { Chart } from "./chart.js";
import { doubts } from "./marks/doubts.js";
import { stepOf } from "./marks/slots.js";
import { part, top } from "./marks/stack.js";
import { hatchPattern, theme } from "./theme.js";

/**
 * @param {Surroundings} surroundings
 * @param {Columns} columns as of Series.averageColumns
 * @param {Frame} frame
 */
export function averageChart(surroundings, columns, frame) {
  const pen = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
  /* The numbers are those of the columns. */
  const series = [
    part([], () => theme().user),
    part([], () => theme().user),
    part([2], () => theme().system),
    part([2, 3], () => theme().irq),
    part([2, 3, 4], () => hatchPattern(pen, "steal", devicePixelRatio)),
    doubts(),
    top(() => theme().load),
  ];
  /** @type {NonNullable<ChartOptions["slotAt"]>} */
  const slotAt = (time, shown) => {
    const [times] = shown;
    const slot = Math.ceil((time - (times[0] ?? 0)) / stepOf(shown));
    return Math.min(times.length - 1, Math.max(0, slot));
  };
  /** With the steal that stands above. @type {ChartOptions["topOf"]} */
  const topOf = (shown, i) => {
    const mean = shown[7]?.[i] ?? null;
    return mean === null ? null : mean + (shown[5]?.[i] ?? 0);
  };
  return new Chart({ ...surroundings, series, slotAt, topOf }, columns, frame);
}

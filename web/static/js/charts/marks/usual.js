/** What is usual at each hour: a band with an edge above and below. */

import { heightOf } from "./slots.js";

/** However low, it stays visible. CSS px. */
const LOWEST_BAND = 2;
/** Fainter than a line. */
const EDGE = 0.5;

/**
 * @param {uPlot} plot
 * @param {import("../../model/usual.js").UsualHour[]} hours
 * @param {string} shade
 * @param {string} colour of the edges
 */
export function paintUsual(plot, hours, shade, colour) {
  const { ctx } = plot;
  const pixel = devicePixelRatio;
  for (const { from, to, low, high } of hours) {
    const [left, right] = [from, to].map((at) => Math.round(plot.valToPos(at, "x", true)));
    const width = /** @type {number} */ (right) - /** @type {number} */ (left);
    const [top, foot] = [heightOf(plot, high), heightOf(plot, low)];
    const height = Math.max(LOWEST_BAND * pixel, foot - top);
    ctx.fillStyle = shade;
    ctx.fillRect(/** @type {number} */ (left), foot - height, width, height);
    ctx.fillStyle = colour;
    ctx.globalAlpha = EDGE;
    for (const y of [foot - height, foot - pixel]) ctx.fillRect(/** @type {number} */ (left), y, width, pixel);
    ctx.globalAlpha = 1;
  }
}

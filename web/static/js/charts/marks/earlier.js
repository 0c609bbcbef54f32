/** The same span some time before, as a faint line under that of the picture. */

import { heightOf } from "./slots.js";

/**
 * @param {uPlot} plot
 * @param {Pick<HistoryBody, "start" | "step" | "cpu" | "min">} body
 * @param {number} back how long before, s
 * @param {string} colour
 */
export function paintEarlier(plot, { start, step, cpu, min }, back, colour) {
  const { ctx } = plot;
  /* A mean stands in the middle of what it covers, as that of the picture does. */
  const shift = back - (min ? step / 2 : 0);
  ctx.beginPath();
  let isDrawn = false;
  for (const [i, value] of cpu.entries()) {
    if (value !== null) {
      const [x, y] = [plot.valToPos(start + i * step + shift, "x", true), heightOf(plot, value)];
      if (isDrawn) ctx.lineTo(x, y);
      else ctx.moveTo(x, y);
    }
    isDrawn = value !== null;
  }
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.25 * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.stroke();
}

/** How much of each mean one name took: an area from the ground up, with an edge that stands out of what is below. */

import { theme } from "../theme.js";
import { heightOf } from "./slots.js";

/** CSS px. */
const [PORTION_EDGE, PORTION_HALO] = [2, 4.5];

/**
 * @param {uPlot} plot
 * @param {import("../../model/shares.js").Portion[]} portions
 * @param {number} step s
 */
export function paintPortions(plot, portions, step) {
  const { ctx } = plot;
  const { card: halo, who: colour, "who-fill": shade } = theme();
  const ground = heightOf(plot, 0);
  const edge = new Path2D();
  let isDrawn = false;
  ctx.fillStyle = shade;
  for (const { time, share } of portions) {
    if (share !== null) {
      const [left, right] = [time - step, time].map((at) => Math.round(plot.valToPos(at, "x", true)));
      const y = heightOf(plot, share);
      ctx.fillRect(/** @type {number} */ (left), y, /** @type {number} */ (right) - /** @type {number} */ (left), ground - y);
      if (isDrawn) edge.lineTo(/** @type {number} */ (left), y);
      else edge.moveTo(/** @type {number} */ (left), y);
      edge.lineTo(/** @type {number} */ (right), y);
    }
    isDrawn = share !== null;
  }
  for (const [style, width] of /** @type {const} */ ([[halo, PORTION_HALO], [colour, PORTION_EDGE]])) {
    ctx.strokeStyle = style;
    ctx.lineWidth = width * devicePixelRatio;
    ctx.lineJoin = "round";
    ctx.stroke(edge);
  }
}

/** Words on a chart: the longest that have room, on a plate. */

import { fittingLabel } from "../../text/sentences.js";
import { theme } from "../theme.js";

/** No line fits into less, not even upright. CSS px. */
export const NARROWEST_LABEL = 16;
const PADDING = 6;
const LINE = 18;
/** Above and below all lines; an upright one has none to spare. CSS px. */
const LABEL_MARGIN = 3;

/** @typedef {{left: number, width: number}} Region canvas px */

/** @param {CanvasRenderingContext2D} ctx */
const setFont = (ctx) => (ctx.font = `500 ${12 * devicePixelRatio}px system-ui, sans-serif`);

/**
 * Words on a plate: a hatch must not cross them.
 * @param {CanvasRenderingContext2D} ctx
 * @param {string[]} lines
 * @param {{x: number, y: number}} middle canvas px
 * @param {string} colour
 * @param {number} [margin]
 */
export function plate(ctx, lines, { x, y }, colour, margin = LABEL_MARGIN) {
  const ratio = devicePixelRatio;
  const [width, height] = plateSize(ctx, lines, margin);
  ctx.fillStyle = theme().card;
  ctx.beginPath();
  if (ctx.roundRect) ctx.roundRect(x - width / 2, y - height / 2, width, height, 6 * ratio);
  else ctx.rect(x - width / 2, y - height / 2, width, height);
  ctx.fill();
  ctx.fillStyle = colour;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  lines.forEach((line, i) => ctx.fillText(line, x, y - height / 2 + (margin + LINE * (i + 0.5)) * ratio));
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string[]} lines
 * @param {number} [margin]
 * @returns {[width: number, height: number]} canvas px
 */
export function plateSize(ctx, lines, margin = LABEL_MARGIN) {
  setFont(ctx);
  const width = Math.max(...lines.map((line) => ctx.measureText(line).width));
  return [width + 2 * PADDING * devicePixelRatio, (lines.length * LINE + 2 * margin) * devicePixelRatio];
}

/**
 * The longest label that fits; upright rather than the shortest.
 * @param {uPlot} plot
 * @param {Region} region
 * @param {() => string[][]} candidates
 * @param {string} colour
 * @param {boolean} [centred] halfway up, not at the top
 */
export function label(plot, { left, width }, candidates, colour, centred = false) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  if (width < NARROWEST_LABEL * ratio) return;
  setFont(ctx);
  const middle = left + width / 2;
  /** @param {number} room @param {string[][]} texts */
  const fitting = (room, texts) => fittingLabel(texts, room - 2.5 * PADDING * ratio, (line) => ctx.measureText(line).width);
  const texts = candidates();
  const lines = fitting(width, texts);
  const upright = fitting(bbox.height, texts.filter(({ length }) => length === 1));
  if (lines.length > 0 && (upright.length === 0 || lines !== texts[texts.length - 1])) {
    const [, height] = plateSize(ctx, lines);
    return plate(ctx, lines, { x: middle, y: centred ? bbox.top + bbox.height / 2 : bbox.top + 10 * ratio + height / 2 }, colour);
  }
  if (upright.length === 0) return;
  ctx.translate(middle, bbox.top + bbox.height / 2);
  ctx.rotate(-Math.PI / 2);
  plate(ctx, upright, { x: 0, y: 0 }, colour, -1);
  ctx.rotate(Math.PI / 2);
  ctx.translate(-middle, -bbox.top - bbox.height / 2);
}

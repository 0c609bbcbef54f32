/** What is shown as one picture, with its title, span and legend. */

import { theme } from "./theme.js";

const MARGIN = 16;
const LINE_HEIGHT = 22;

/**
 * @typedef {{title: string, canvas: HTMLCanvasElement, left: number}} Part `left`: CSS px from the left of the charts
 */

/**
 * @param {string[]} lines above the parts, the first larger
 * @param {Part[]} parts
 * @returns {HTMLCanvasElement}
 */
export function composed(lines, parts) {
  const ratio = devicePixelRatio;
  const width = Math.max(...parts.map(({ canvas, left }) => left + canvas.width / ratio));
  const heights = parts.map(({ canvas }) => canvas.height / ratio);
  const picture = document.createElement("canvas");
  picture.width = (width + 2 * MARGIN) * ratio;
  picture.height = (2 * MARGIN + lines.length * LINE_HEIGHT + heights.reduce((sum, height) => sum + height + LINE_HEIGHT + MARGIN, 0)) * ratio;
  const pen = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  const { card, ink, dim } = theme();
  pen.fillStyle = card;
  pen.fillRect(0, 0, picture.width, picture.height);
  pen.scale(ratio, ratio);
  let top = MARGIN;
  /** @param {string} text @param {string} font @param {string} colour */
  const write = (text, font, colour) => {
    pen.font = font;
    pen.fillStyle = colour;
    pen.fillText(text, MARGIN, top + LINE_HEIGHT * 0.7);
    top += LINE_HEIGHT;
  };
  lines.forEach((line, i) => write(line, i === 0 ? "600 16px system-ui, sans-serif" : "13px system-ui, sans-serif", i === 0 ? ink : dim));
  parts.forEach(({ title, canvas, left }, i) => {
    top += MARGIN / 2;
    write(title, "600 13px system-ui, sans-serif", ink);
    pen.drawImage(canvas, MARGIN + left, top, canvas.width / ratio, canvas.height / ratio);
    top += /** @type {number} */ (heights[i]) + MARGIN / 2;
  });
  return picture;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {string} name of the file
 */
export function save(canvas, name) {
  canvas.toBlob((blob) => {
    if (!blob) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
}

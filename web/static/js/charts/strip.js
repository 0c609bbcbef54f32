/** Canvases of the fleet: a machine's strip of cells, and the line of all machines with their spread. */

import { holesIn } from "../model/fleet.js";
import { paintHeat } from "./marks/heat.js";
import { hatchPattern, theme } from "./theme.js";

/**
 * A canvas as large as it is shown, emptied.
 * @param {HTMLCanvasElement} canvas
 */
function sheet(canvas) {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
  if (canvas.width !== width) canvas.width = width ?? 0;
  if (canvas.height !== height) canvas.height = height ?? 0;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.clearRect(0, 0, canvas.width, canvas.height);
  return pen;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {readonly (number | null)[]} cells
 */
function paintHoles(pen, cells) {
  const { width, height } = pen.canvas;
  for (const [from, to] of holesIn(cells)) {
    const [left, right] = [from, to].map((edge) => Math.round((edge * width) / cells.length));
    for (const fill of [theme()["gap-fill"], hatchPattern(pen, "stopped", devicePixelRatio)]) {
      pen.fillStyle = fill;
      pen.fillRect(left ?? 0, 0, (right ?? 0) - (left ?? 0), height);
    }
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {readonly (number | null)[]} cells percent
 */
export function paintStrip(canvas, cells) {
  const pen = sheet(canvas);
  const { width, height } = canvas;
  paintHoles(pen, cells);
  const edge = (/** @type {number} */ index) => Math.round((index * width) / cells.length);
  const slots = cells.map((value, index) => ({ left: edge(index), right: edge(index + 1), values: [value] }));
  paintHeat(pen, slots, height, theme().load);
}

/**
 * The mean of all machines, and the band that four fifths of them lie in.
 * @param {HTMLCanvasElement} canvas
 * @param {FleetBody} fleet
 */
export function paintTotal(canvas, { total, spread }) {
  const pen = sheet(canvas);
  const { width, height } = canvas;
  const ratio = devicePixelRatio;
  paintHoles(pen, total);
  const x = (/** @type {number} */ index) => ((index + 0.5) * width) / total.length;
  const y = (/** @type {number} */ percent) => height - ratio - (percent / 100) * (height - 2 * ratio);
  pen.fillStyle = theme().band;
  total.forEach((_, index) => {
    const [low, high] = [spread.low[index], spread.high[index]];
    if (low === null || low === undefined || high === null || high === undefined) return;
    pen.fillRect(x(index - 0.5), y(high), width / total.length, Math.max(ratio, y(low) - y(high)));
  });
  pen.strokeStyle = theme().load;
  pen.lineWidth = 2 * ratio;
  pen.beginPath();
  total.forEach((value, index) => {
    if (value === null) return;
    if (index === 0 || total[index - 1] === null) pen.moveTo(x(index), y(value));
    else pen.lineTo(x(index), y(value));
  });
  pen.stroke();
}

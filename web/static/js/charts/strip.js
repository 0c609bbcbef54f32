/** Canvases of the fleet: a machine's strip of cells, and the line of all machines with their spread. */

import { holesIn } from "../model/fleet.js";
import { timeTicks } from "../model/ticks.js";
import { FONT, SPACE, tickText } from "./axes.js";
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
 * @param {{left: number, top: number, width: number, height: number}} box device px
 */
function paintHoles(pen, cells, { left, top, width, height }) {
  const edge = (/** @type {number} */ index) => Math.round(left + (index * width) / cells.length);
  for (const [from, to] of holesIn(cells)) {
    for (const fill of [theme()["gap-fill"], hatchPattern(pen, "silent", devicePixelRatio)]) {
      pen.fillStyle = fill;
      pen.fillRect(edge(from), top, edge(to) - edge(from), height);
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
  paintHoles(pen, cells, { left: 0, top: 0, width, height });
  const edge = (/** @type {number} */ index) => Math.round((index * width) / cells.length);
  const slots = cells.map((value, index) => ({ left: edge(index), right: edge(index + 1), values: [value] }));
  paintHeat(pen, slots, height, theme().load);
}

/** Room for the labels of the scales: left of the picture of all machines, and below it. CSS px. */
const LEFT = 48;
const BELOW = 20;
const TOP = 8;
const LEVELS = [0, 50, 100];

/**
 * Where the picture of all machines stands in its canvas, device px.
 * @param {HTMLCanvasElement} canvas
 */
function boxOf({ width, height }) {
  const [left, below, top] = [LEFT, BELOW, TOP].map((size) => size * devicePixelRatio);
  return { left: left ?? 0, top: top ?? 0, width: width - (left ?? 0), height: height - (below ?? 0) - (top ?? 0) };
}

/**
 * The share of the width of the picture at which a pointer is.
 * @param {HTMLCanvasElement} canvas
 * @param {number} clientX
 */
export function shareAt(canvas, clientX) {
  const { left, width } = canvas.getBoundingClientRect();
  return (clientX - left - LEFT) / (width - LEFT);
}

/**
 * Percent at the left, times below.
 * @param {CanvasRenderingContext2D} pen
 * @param {ReturnType<typeof boxOf>} box
 * @param {FleetBody} fleet
 * @param {Format} format
 */
function paintScales(pen, box, { from, to }, format) {
  const ratio = devicePixelRatio;
  pen.font = FONT.replace("12", String(12 * ratio));
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  for (const level of LEVELS) {
    const y = box.top + (1 - level / 100) * box.height;
    pen.fillStyle = theme().grid;
    pen.fillRect(box.left, Math.round(y), box.width, ratio);
    pen.fillStyle = theme().dim;
    pen.fillText(level === 100 ? format.whole(level) : String(level), box.left - 6 * ratio, y);
  }
  pen.textAlign = "center";
  pen.textBaseline = "bottom";
  const ticks = timeTicks(from, to, Math.max(1, box.width / ratio / SPACE), format.offset);
  for (const at of ticks.times) {
    const x = box.left + ((at - from) / (to - from)) * box.width;
    const [text = ""] = tickText(at, ticks.unit, format).split("\n");
    const half = pen.measureText(text).width / 2;
    if (x - half > 0 && x + half < pen.canvas.width) pen.fillText(text, x, pen.canvas.height - 2 * ratio);
  }
}

/**
 * The mean of all machines, and the band that four fifths of them lie in.
 * @param {HTMLCanvasElement} canvas
 * @param {FleetBody} fleet
 * @param {Format} format
 */
export function paintTotal(canvas, fleet, format) {
  const { total, spread } = fleet;
  const pen = sheet(canvas);
  const ratio = devicePixelRatio;
  const box = boxOf(canvas);
  paintScales(pen, box, fleet, format);
  paintHoles(pen, total, box);
  const x = (/** @type {number} */ index) => box.left + ((index + 0.5) * box.width) / total.length;
  const y = (/** @type {number} */ percent) => box.top + (1 - percent / 100) * box.height;
  pen.fillStyle = theme().band;
  total.forEach((_, index) => {
    const [low, high] = [spread.low[index], spread.high[index]];
    if (low === null || low === undefined || high === null || high === undefined) return;
    pen.fillRect(x(index - 0.5), y(high), box.width / total.length, Math.max(ratio, y(low) - y(high)));
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

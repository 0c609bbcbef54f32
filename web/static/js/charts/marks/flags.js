/** Labels of gaps that are too narrow to hold one: beside them, where nothing is drawn. */

import { theme } from "../theme.js";
import { isTiny, regionOf } from "./gaps.js";
import { NARROWEST_LABEL, plate, plateSize } from "./labels.js";

/** From the top of the picture to the first row of flags, and from one row to the next. CSS px. */
const TOP = 10;
const ROW = 26;
const ROWS = 3;
/** Between a gap and its flag, CSS px. */
const BESIDE = 3;
/** Of so many gaps at most there is anything to be said. */
const MOST_FLAGS = 40;

/** @typedef {import("./labels.js").Region} Region */
/** @typedef {{left: number, right: number, top: number, bottom: number}} Box canvas px */

/** @param {Box} one @param {Box} other */
const overlap = (one, other) =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

/**
 * How far down each column of the canvas is free.
 * @param {uPlot} plot
 * @param {(columns: Columns, i: number) => Percent} topOf
 * @param {Region[]} gaps
 */
function skyline({ data, bbox, valToPos }, topOf, gaps) {
  const free = new Float64Array(Math.ceil(bbox.left + bbox.width) + 1).fill(bbox.top + bbox.height);
  const columns = /** @type {Columns} */ (data);
  const [times] = columns;
  const step = (times[1] ?? 0) - (times[0] ?? 0);
  times.forEach((time, i) => {
    const top = topOf(columns, i);
    if (top === null) return;
    const y = valToPos(top, "y", true);
    const last = Math.min(free.length - 1, Math.ceil(valToPos(time, "x", true)));
    for (let x = Math.max(0, Math.floor(valToPos(time - step, "x", true))); x <= last; x += 1) {
      free[x] = Math.min(/** @type {number} */ (free[x]), y);
    }
  });
  for (const { left, width } of gaps) free.fill(bbox.top, Math.floor(left), Math.ceil(left + width));
  return free;
}

/**
 * Places beside a gap: right of it before left, high before low.
 * @param {uPlot} plot
 * @param {Region} gap
 * @param {[width: number, height: number]} size
 * @returns {Box[]}
 */
function places({ bbox }, gap, [width, height]) {
  const ratio = devicePixelRatio;
  const lefts = [gap.left + gap.width + BESIDE * ratio, gap.left - BESIDE * ratio - width];
  const within = lefts.filter((left) => left >= bbox.left && left + width <= bbox.left + bbox.width);
  return Array.from({ length: ROWS }, (_, row) => bbox.top + (TOP + row * ROW) * ratio).flatMap((top) =>
    within.map((left) => ({ left, right: left + width, top, bottom: top + height })),
  );
}

/**
 * The longest gaps first.
 * @param {uPlot} plot
 * @param {Gap[]} gaps
 * @param {(gap: Gap) => string[][]} labels
 * @param {(columns: Columns, i: number) => Percent} topOf how high each slot is
 */
export function paintFlags(plot, gaps, labels, topOf) {
  const shown = gaps.filter((gap) => !isTiny(plot, gap)).map((gap) => ({ gap, region: regionOf(plot, gap.from, gap.to) }));
  const narrow = shown.filter(({ region }) => region.width < NARROWEST_LABEL * devicePixelRatio);
  if (narrow.length === 0) return;
  plot.ctx.save();
  const free = skyline(plot, topOf, shown.map(({ region }) => region));
  /** @type {Box[]} */
  const flags = [];
  /** @param {Box} box */
  const isFree = (box) =>
    free.subarray(Math.floor(box.left), Math.ceil(box.right)).every((y) => y > box.bottom) && !flags.some((flag) => overlap(box, flag));
  narrow.sort((a, b) => b.gap.to - b.gap.from - (a.gap.to - a.gap.from));
  for (const { gap, region } of narrow.slice(0, MOST_FLAGS)) {
    /* Of one line, and short. */
    for (const lines of labels(gap).filter(({ length }) => length === 1).slice(-2)) {
      const place = places(plot, region, plateSize(plot.ctx, lines)).find(isFree);
      if (!place) continue;
      flags.push(place);
      plate(plot.ctx, lines, { x: (place.left + place.right) / 2, y: (place.top + place.bottom) / 2 }, theme()["gap-ink"]);
      break;
    }
  }
  plot.ctx.restore();
}

/** What the charts show where there is no line: gaps, time before the first sample, samples still awaited. */

import { apart } from "../../model/apart.js";
import { hatchPattern, theme } from "../theme.js";
import { label } from "./labels.js";

/** However short, a gap stays visible. CSS px. */
const NARROWEST = 3;
/** What is narrower than this hides no picture: it is a mark at the foot, of this height. CSS px. */
const THINNEST = 1;
const FOOT = 6;
/** What is narrower has no room for a hatch between two edges: it is a dashed column. CSS px. */
const NARROWEST_HATCH = 6;
const RUNG = 2;
/** @typedef {import("./labels.js").Region} Region */

/**
 * @param {uPlot} plot
 * @param {number} from
 * @param {number} to
 * @returns {Region}
 */
export function regionOf(plot, from, to) {
  const { left, width } = plot.bbox;
  const ratio = devicePixelRatio;
  const [start, end] = [from, to].map((time) => Math.min(left + width, Math.max(left, plot.valToPos(time, "x", true))));
  const wide = Math.max(/** @type {number} */ (end) - /** @type {number} */ (start), NARROWEST * ratio);
  return { left: Math.min(/** @type {number} */ (start), left + width - wide), width: wide };
}

/**
 * @param {uPlot} plot
 * @param {Region} region
 * @param {(string | CanvasPattern)[]} fills from below to above
 */
function fill(plot, { left, width }, fills) {
  for (const style of fills) {
    plot.ctx.fillStyle = style;
    plot.ctx.fillRect(left, plot.bbox.top, width, plot.bbox.height);
  }
}

/**
 * Whether a gap is too short for the picture: what was recorded around it stands in its place.
 * @param {uPlot} plot
 * @param {Gap} gap
 */
export function isTiny(plot, { from, to, count }) {
  const width = plot.valToPos(to, "x", true) - plot.valToPos(from, "x", true);
  return count !== undefined || width < THINNEST * devicePixelRatio;
}

/**
 * @param {uPlot} plot
 * @param {Gap} gap
 */
function paintGap(plot, gap) {
  const { gap: line, "gap-fill": gapFill } = theme();
  const region = regionOf(plot, gap.from, gap.to);
  const { ctx, bbox } = plot;
  if (isTiny(plot, gap)) {
    const height = FOOT * devicePixelRatio;
    ctx.fillStyle = line;
    ctx.fillRect(region.left, bbox.top + bbox.height - height, region.width, height);
    return;
  }
  if (region.width < NARROWEST_HATCH * devicePixelRatio) return dashes(plot, region);
  fill(plot, region, [gapFill, hatchPattern(ctx, gap.cause, devicePixelRatio)]);
  edge(plot, region.left, line, 1);
  edge(plot, region.left + region.width - devicePixelRatio, line, 1);
}

/**
 * @param {uPlot} plot
 * @param {Region} region
 */
function dashes(plot, region) {
  const { ctx, bbox } = plot;
  fill(plot, region, [theme()["gap-fill"]]);
  const dash = RUNG * devicePixelRatio;
  ctx.fillStyle = theme().gap;
  for (let y = bbox.top; y < bbox.top + bbox.height; y += 2 * dash) ctx.fillRect(region.left, y, region.width, dash);
}

/**
 * @param {uPlot} plot
 * @param {number} x
 * @param {string} colour
 * @param {number} width CSS px
 */
function edge(plot, x, colour, width) {
  plot.ctx.fillStyle = colour;
  plot.ctx.fillRect(x, plot.bbox.top, width * devicePixelRatio, plot.bbox.height);
}

/**
 * @param {uPlot} plot
 * @param {Frame} frame
 */
function paintUnder(plot, { from, to, gaps, beginning, pending }) {
  const { "warn-fill": warnFill, warn, void: empty } = theme();
  if (beginning === null) fill(plot, regionOf(plot, from, to), [empty]);
  else if (beginning > from) fill(plot, regionOf(plot, from, beginning), [empty]);
  for (const gap of gaps) if (!isTiny(plot, gap)) paintGap(plot, gap);
  if (pending === null) return;
  const region = regionOf(plot, Math.max(pending, from), to);
  fill(plot, region, [warnFill]);
  edge(plot, region.left, warn, 2);
}

/**
 * @param {uPlot} plot
 * @param {Frame} frame
 * @param {Labels} labels
 */
function paintOver(plot, frame, labels) {
  const { from, to, gaps, beginning, pending } = frame;
  const colours = theme();
  if (beginning === null || beginning > from) {
    label(plot, regionOf(plot, from, beginning ?? to), () => labels.before(frame), colours.dim, beginning === null);
  }
  for (const gap of gaps) {
    if (isTiny(plot, gap)) paintGap(plot, gap);
    else label(plot, regionOf(plot, gap.from, gap.to), () => labels.gap(gap), colours["gap-ink"]);
  }
  if (pending !== null) label(plot, regionOf(plot, Math.max(pending, from), to), () => labels.pending(frame), colours.warn);
}

/**
 * @param {() => Frame} frame
 * @param {Labels} labels
 * @param {(plot: uPlot) => boolean} isAbove whether gaps are painted over the series: a mean whose slot is recorded in part
 * would reach into one
 * @returns {uPlot.Plugin}
 */
export function regionsPlugin(frame, labels, isAbove) {
  /** @param {uPlot} plot @param {() => void} paint */
  const aside = (plot, paint) => {
    plot.ctx.save();
    apart(paint);
    plot.ctx.restore();
  };
  return {
    hooks: {
      drawClear: (plot) => aside(plot, () => paintUnder(plot, frame())),
      draw: (plot) => aside(plot, () => {
        if (isAbove(plot)) paintUnder(plot, frame());
        paintOver(plot, frame(), labels);
      }),
    },
  };
}

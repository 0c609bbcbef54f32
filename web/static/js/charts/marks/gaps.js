/** What the charts show where there is no line: gaps, time before the first sample, samples still awaited. */

import { apart } from "../../model/apart.js";
import { fittingLabel } from "../../text/sentences.js";
import { hatchPattern, theme } from "../theme.js";

/** However short, a gap stays visible. CSS px. */
const NARROWEST = 3;
/** What is narrower than this hides no picture: it is a mark at the foot, of this height. CSS px. */
const THINNEST = 1;
const FOOT = 6;
/** No word fits into less. CSS px. */
const NARROWEST_LABEL = 24;
const PADDING = 6;
const LINE = 18;

/** @typedef {{left: number, width: number}} Region canvas px */

/**
 * @param {uPlot} plot
 * @param {number} from
 * @param {number} to
 * @returns {Region}
 */
function regionOf(plot, from, to) {
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
function isTiny(plot, { from, to, count }) {
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
  fill(plot, region, [gapFill, hatchPattern(ctx, gap.cause, devicePixelRatio)]);
  edge(plot, region.left, line, 1);
  edge(plot, region.left + region.width - devicePixelRatio, line, 1);
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
 * The longest label that fits, on a plate: the hatch must not cross the words.
 * @param {uPlot} plot
 * @param {Region} region
 * @param {() => string[][]} candidates
 * @param {string} colour
 * @param {boolean} [centred] halfway up, not at the top
 */
function label(plot, { left, width }, candidates, colour, centred = false) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  if (width < NARROWEST_LABEL * ratio) return;
  ctx.font = `500 ${12 * ratio}px system-ui, sans-serif`;
  /** @param {string} line */
  const measure = (line) => ctx.measureText(line).width;
  const lines = fittingLabel(candidates(), width - 2.5 * PADDING * ratio, measure);
  if (lines.length === 0) return;
  const plateWidth = Math.max(...lines.map(measure)) + 2 * PADDING * ratio;
  const middle = left + width / 2;
  const height = (lines.length * LINE + 6) * ratio;
  const top = bbox.top + (centred ? (bbox.height - height) / 2 : 10 * ratio);
  ctx.fillStyle = theme().card;
  ctx.beginPath();
  if (ctx.roundRect) ctx.roundRect(middle - plateWidth / 2, top, plateWidth, height, 6 * ratio);
  else ctx.rect(middle - plateWidth / 2, top, plateWidth, height);
  ctx.fill();
  ctx.fillStyle = colour;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  lines.forEach((line, i) => ctx.fillText(line, middle, top + (3 + LINE * (i + 0.5)) * ratio));
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

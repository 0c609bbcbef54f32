/** The axes: percent, and local time from seconds to decades. */

import { timeTicks } from "../model/ticks.js";
import { theme } from "./theme.js";

export const FONT = "12px system-ui, sans-serif";
const PERCENT_TICKS = [0, 25, 50, 75, 100];
/** Between two labels of time, CSS px. */
export const SPACE = 76;

/**
 * @param {number} at
 * @param {ReturnType<typeof timeTicks>["unit"]} unit
 * @param {Format} format
 */
export function tickText(at, unit, format) {
  const wall = at + format.offset(at);
  if (unit === "month") return new Date(wall * 1000).getUTCMonth() === 0 ? format.year(at) : format.month(at);
  if (unit === "year") return format.year(at);
  if (unit === "day" || wall % 86_400 === 0) return format.day(at);
  return unit === "second" ? format.second(at) : format.tick(at);
}

/**
 * @param {Format} format
 * @returns {uPlot.Axis[]}
 */
export function axes(format) {
  /** @type {uPlot.Axis} */
  const common = {
    stroke: () => theme().dim,
    font: FONT,
    gap: 8,
    grid: { stroke: () => theme().grid, width: 1 },
    ticks: { show: false },
    border: { show: false },
  };
  /** @param {uPlot} plot @param {number} from @param {number} to */
  const ticks = ({ bbox }, from, to) => timeTicks(from, to, Math.max(1, bbox.width / devicePixelRatio / SPACE), format.offset);
  return [
    {
      ...common,
      size: (_, values) => ((values ?? []).some((text) => text.includes("\n")) ? 46 : 28),
      grid: { show: false },
      splits: (plot, _, from, to) => ticks(plot, from, to).times,
      values(plot, splits) {
        const { min = 0, max = 0 } = plot.scales.x ?? {};
        const { unit } = ticks(plot, /** @type {number} */ (min), /** @type {number} */ (max));
        return splits.map((at) => tickText(at, unit, format));
      },
    },
    {
      ...common,
      size: 48,
      splits: () => PERCENT_TICKS,
      values: (_, splits) => splits.map((value) => (value === 100 ? format.whole(value) : String(value))),
    },
  ];
}

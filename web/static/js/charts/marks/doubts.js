/** What is unreliable: triangles that hang from the top. */

import { theme } from "../theme.js";
import { eachSlot } from "./slots.js";

/** Half the width of a mark, at most and at least. CSS px. */
const MARK = 4;
const NARROWEST_MARK = 2;

/** @type {uPlot.Series.PathBuilder} */
function doubtsPath(plot, series) {
  const fill = new Path2D();
  const { top } = plot.bbox;
  eachSlot(plot, series, (left, right) => {
    const middle = (left + right) / 2;
    const half = Math.max(NARROWEST_MARK * devicePixelRatio, Math.min((right - left) / 2, MARK * devicePixelRatio));
    fill.moveTo(middle - half, top);
    fill.lineTo(middle + half, top);
    fill.lineTo(middle, top + 1.5 * MARK * devicePixelRatio);
  });
  return { fill };
}

/** @returns {uPlot.Series} */
export function doubts() {
  return { paths: doubtsPath, fill: () => theme().warn, width: 0, points: { show: false } };
}

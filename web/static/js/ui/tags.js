/** The value at the cursor on each of the two charts. */

import { Tag } from "../charts/tag.js";

/**
 * A gap is named in the chart itself.
 * @param {Pick<Desk, "state" | "scene" | "charts" | "language">} desk
 * @returns {() => void}
 */
export function tagsOf({ state, scene, charts, language }) {
  const grids = /** @type {const} */ ([["samples", "fine"], ["minutes", "coarse"]]);
  /** @type {{samples?: Tag, minutes?: Tag}} */
  const tags = {};
  return () => {
    for (const [name, grid] of grids) {
      const chart = charts[name];
      if (!chart) continue;
      const rows = scene.series[grid];
      const round = grid === "fine" ? Math.floor : Math.ceil;
      const row = state.cursor === null ? null : rows.at(round(state.cursor / rows.step) * rows.step);
      const tag = (tags[name] ??= new Tag(chart.plot));
      tag.show(state.cursor, row ? language.format.percent(row.cpu) : "");
    }
  };
}

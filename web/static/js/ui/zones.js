/** The choice of the time zone in which all times are told; it is remembered. */

import { byId, write } from "./dom.js";

export const ZONE = "zone";

/** @param {Desk} desk */
export function attachZones({ zones, tellTimesIn }) {
  const select = /** @type {HTMLSelectElement} */ (byId(ZONE));
  select.value = zones.chosen;
  select.addEventListener("change", () => {
    try {
      localStorage.setItem(ZONE, select.value);
    } catch {
      /* A browser that keeps nothing tells this page alone. */
    }
    tellTimesIn(select.value);
  });
}

/**
 * Each zone by its name, with what a clock on its wall is ahead of UTC then.
 * @param {Desk["zones"]} zones
 * @param {number} at
 * @param {Words} words
 */
export function showZones({ formats }, at, words) {
  for (const option of /** @type {HTMLSelectElement} */ (byId(ZONE)).options) {
    const name = formats[option.value]?.zone(at) ?? "";
    write(option, option.value === "utc" ? name : words.text(`zone_${option.value}`, { zone: name }));
  }
}

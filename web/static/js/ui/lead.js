/** Leads from a chart to a line in the list of what happened. */

import { byId } from "./dom.js";

/**
 * A gap that is told with others leads to their line.
 * @param {Gap} gap
 */
export function leadTo({ from }) {
  const list = byId("gaps");
  const line = list.querySelector(`[data-cause][data-from="${from}"]`) ?? list.querySelector("[data-further]");
  const words = line?.lastElementChild;
  if (!(words instanceof HTMLElement)) return;
  if (!words.matches("a")) words.tabIndex = -1;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  words.scrollIntoView({ block: "center", behavior: isCalm ? "auto" : "smooth" });
  words.focus({ preventScroll: true });
}

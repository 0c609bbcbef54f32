/** The list of what happened: busy stretches, interruptions, what the clock did. Writes only what differs. */

import { paintSwatch } from "../charts/theme.js";
import { around } from "../model/view.js";
import { remarks } from "../text/remarks.js";
import { addressOf } from "./address.js";
import { byId, make, write } from "./dom.js";
import { replaceLines } from "./lines.js";

/** What stands in the list of interruptions. */
let listed = "";

/** @param {Remark} remark */
function item({ sentence, attributes, cause, jump }) {
  const swatch = make(cause ? "canvas" : "span", { class: "swatch", "aria-hidden": "true" });
  if (cause) paintSwatch(/** @type {HTMLCanvasElement} */ (swatch), cause);
  const words = jump ? make("a", { href: addressOf(around(jump)), "data-jump": "" }, sentence) : make("span", {}, sentence);
  return make("li", attributes, swatch, words);
}

/** Of a gap in the charts, from which on it can be pointed at: CSS px, and what stands beside the picture. */
const VISIBLE = 3;
const AXIS = 80;

/** @param {Stretch} frame @returns seconds */
function visible({ from, to }) {
  return Math.round((VISIBLE * (to - from)) / Math.max(1, byId("samples-plot").clientWidth - AXIS));
}

/**
 * @param {Frame} frame
 * @param {Language} language
 * @param {boolean} anew paint even when nothing changed, as after a change of theme
 */
export function showRemarks(frame, language, anew) {
  /* An open gap reaches farther with each tick, which its sentence does not say. */
  const gaps = frame.gaps.map(({ to, ...gap }) => ({ ...gap, to: !gap.isOpen && to }));
  const told = { ...frame, visible: visible(frame) };
  const zone = language.format.zone(frame.to);
  const version = JSON.stringify([gaps, frame.clockSteps, frame.unreliable, frame.busy, frame.pending, told.visible, zone]);
  if (version === listed && !anew) return;
  listed = version;
  const items = remarks(told, language).map(item);
  replaceLines(byId("gaps"), items);
  const { words, format } = language;
  const none = words.text(frame.busy ? "happened_none" : "gaps_none");
  const unknown = frame.pending === null ? "" : words.text("summary_unknown", { time: format.when(frame.pending) });
  write(byId("no-gaps"), unknown || (items.length === 0 ? none : ""));
}

/** The page's text: the current value, the connection, readouts, summaries and gaps. Writes only what differs. */

import { paintSwatch } from "../charts/theme.js";
import { minuteReadout, minutesSummary, remarks, sampleReadout, samplesSummary } from "../core/summary.js";
import { byId, make, write } from "./dom.js";

/** From this much on, the neighbours' share is said in words. Percent. */
const NOTABLE_STEAL = 1;
const PARTS = /** @type {const} */ (["user", "system", "irq", "iowait", "steal", "load", "pressure"]);

/** @type {Sentence<Sample | null, void>} */
export function showNewest(newest, { words, format }) {
  const [number = "", unit = ""] = format.whole(newest?.cpu ?? null).split("\u00a0");
  write(byId("now-number"), number);
  write(byId("now-unit"), unit && `\u00a0${unit}`);
  for (const part of PARTS) {
    const value = newest?.[part] ?? null;
    write(byId(`now-${part}`), part === "load" ? format.number(value) : format.percent(value));
  }
  const steal = newest?.steal ?? 0;
  write(byId("steal-note"), steal >= NOTABLE_STEAL ? words.text("steal_note", { steal: format.percent(steal) }) : "");
}

/**
 * "Reconnecting since 12:17:05"
 * @type {Sentence<Status>}
 */
export function statusText({ connection, since }, { words, format }) {
  const dated = since !== null && connection !== "live";
  return words.text(`status_${connection}${dated ? "_since" : ""}`, { time: dated ? format.time(since) : "" });
}

/**
 * @param {Status} status
 * @param {State} state
 * @param {Language} language
 * @param {string} host
 */
export function showStatus(status, state, language, host) {
  const root = document.documentElement;
  root.dataset.connection = status.connection;
  root.dataset.lastId = state.lastId === null ? "" : String(state.lastId);
  write(byId("status"), statusText(status, language));
  byId("upgrade").hidden = !state.upgraded;
  byId("held").hidden = status.connection !== "held";
  byId("degraded").hidden = state.degraded === null;
  write(byId("degraded-reason"), state.degraded ?? "");
  /* An old value under a tab's name would pass for a current one. */
  const current = status.connection === "live" ? (state.newest?.cpu ?? null) : null;
  const title = `${current === null ? "CPU" : language.format.whole(current).replace("\u00a0", " ")} · ${host}`;
  if (document.title !== title) document.title = title;
}

/**
 * Without a cursor the readouts show the newest.
 * @type {Sentence<State, void>}
 */
export function showReadouts({ cursor, newestTime, hour }, language) {
  const time = cursor ?? newestTime;
  const [first, second] = [byId("samples-readout"), byId("minutes-readout")];
  if (time === null) return [first, second].forEach((line) => write(line, "–"));
  const slot = Math.floor(time / hour.cpu.step) * hour.cpu.step;
  write(first, sampleReadout(slot, hour, language));
  write(second, minuteReadout(cursor ?? Math.floor(time / 60) * 60, hour, language));
}

/** What the summaries were last written for. */
let written = "";

/**
 * At most once a minute, or when the gaps change: they must not chatter.
 * @param {Hour} hour
 * @param {Frame} frame
 * @param {Language} language
 */
export function showSummaries(hour, frame, language) {
  const begun = [frame.beginning === null, hour.hasMinute];
  const version = [Math.floor(frame.to / 60), ...begun, ...frame.gaps.map(({ to, isOpen }) => isOpen || to)].join();
  if (version === written) return;
  written = version;
  write(byId("samples-summary"), samplesSummary(hour, frame, language));
  write(byId("minutes-summary"), minutesSummary(hour, frame, language));
}

/** What stands in the list of interruptions. */
let listed = "";

/** @param {Remark} remark */
function item({ sentence, attributes, cause }) {
  const swatch = make(cause ? "canvas" : "span", { class: "swatch", "aria-hidden": "true" });
  if (cause) paintSwatch(/** @type {HTMLCanvasElement} */ (swatch), cause);
  return make("li", attributes, swatch, make("span", {}, sentence));
}

/**
 * @param {Frame} frame
 * @param {Language} language
 * @param {boolean} [anew] paint even when nothing changed, as after a change of theme
 */
export function showRemarks(frame, language, anew = false) {
  /* An open gap reaches farther with each tick, which its sentence does not say. */
  const gaps = frame.gaps.map(({ to, ...gap }) => ({ ...gap, to: !gap.isOpen && to }));
  const version = JSON.stringify([gaps, frame.clockSteps, frame.unreliable]);
  if (version === listed && !anew) return;
  listed = version;
  document.documentElement.toggleAttribute("data-doubt", frame.unreliable.length > 0);
  const items = remarks(frame, language).map(item);
  byId("gaps").replaceChildren(...items);
  write(byId("no-gaps"), items.length === 0 ? language.words.text("gaps_none") : "");
}

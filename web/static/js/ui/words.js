/** The page's text: the current value, the connection, readouts and summaries. Writes only what differs. */

import { averageReadout, averagesSummary, keptSentence, samplesSummary } from "../text/sentences.js";
import { byId, write } from "./dom.js";

/** From this much on, the neighbours' share is said in words. Percent. */
const NOTABLE_STEAL = 1;
const PARTS = /** @type {const} */ (["user", "system", "irq", "iowait", "steal", "load", "pressure"]);

/** Parts of the bar at the top, from left to right. */
const BAR = /** @type {const} */ (["user", "system", "irq", "steal"]);

/** Where each part of the bar ends. @param {Sample | null} newest */
function showBar(newest) {
  let end = 0;
  for (const part of BAR) {
    end += newest?.[part] ?? 0;
    byId("now-bar").style.setProperty(`--to-${part}`, `${end}%`);
  }
}

/**
 * "up 41 d"
 * @type {Sentence<number, void>}
 */
export function showUptime(seconds, { words, format }) {
  write(byId("machine"), words.text("up", { duration: format.roughly(seconds) }));
}

/** @type {Sentence<Sample | null, void>} */
export function showNewest(newest, { words, format }) {
  showBar(newest);
  const [number = "", unit = ""] = format.whole(newest?.cpu ?? null).split("\u00a0");
  write(byId("now-number"), number);
  byId("now-number").toggleAttribute("data-long", number.length > 2);
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
 * @param {number | null} cursor
 * @param {Series} series
 * @param {Frame} frame
 * @param {Language} language
 * @param {Readout} tellSample
 * @param {Readout} [tellAverage]
 */
export function showReadouts(cursor, series, { to }, language, tellSample, tellAverage = averageReadout) {
  const { fine, coarse, newest } = series;
  const [first, second] = [byId("samples-readout"), byId("minutes-readout")];
  const time = cursor ?? Math.min(newest, to);
  if (time === -Infinity) return [first, second].forEach((line) => write(line, "–"));
  write(first, tellSample(Math.floor(time / fine.step) * fine.step, series, language));
  const slot = Math.floor(time / coarse.step) * coarse.step;
  write(second, tellAverage(cursor ?? slot, series, language));
}

/** What the summaries were last written for. */
let written = "";

/**
 * At most once a minute, or when the picture changes: they must not chatter.
 * @param {string} picture
 * @param {Series} series
 * @param {Frame} frame
 * @param {Language} language
 */
export function showSummaries(picture, series, frame, language) {
  const begun = [frame.beginning === null, series.hasAverage, frame.pending];
  const version = [picture, language.format.zone(frame.to), Math.floor(frame.to / 60), ...begun, ...frame.gaps.map(({ to, isOpen }) => isOpen || to)].join();
  if (version === written) return;
  written = version;
  write(byId("samples-summary"), samplesSummary(series, frame, language));
  write(byId("minutes-summary"), averagesSummary(series, frame, language));
}

/**
 * The titles, and what each point stands for.
 * @param {View} view
 * @param {Series} series
 * @param {Frame} frame
 * @param {number} interval s
 * @param {Language} language
 */
export function showTitles(view, series, frame, interval, { words, format }) {
  const [step, average] = [series.fine.step, series.coarse.step].map((seconds) => format.duration(seconds));
  const title = "range" in view ? words.text(`title_${view.range}`) : words.text("title_span", { duration: format.duration(frame.to - frame.from) });
  write(byId("view-title"), title);
  write(byId("samples-title"), words.text(series.fine.step > interval ? "samples_means" : "samples_title", { step: /** @type {string} */ (step) }));
  write(byId("minutes-title"), words.text("minutes_title", { step: /** @type {string} */ (average) }));
  write(byId("span"), format.span(frame.from, frame.to));
  write(byId("step"), words.text("step", { seconds: interval }));
}

/**
 * Whether the picture is awaited, or why there is none, or what it was put together from.
 * @param {Pick<Scene, "isShown" | "failure" | "series">} scene
 * @param {Frame} frame
 * @param {Language} language
 */
export function showNote({ isShown, failure, series }, { from }, language) {
  const { words } = language;
  const { status = 0, reason = "" } = failure ?? {};
  const failed = status === 401 ? words.text("failed_401") : words.text(status === 0 ? "failed" : "failed_reason", { reason });
  write(byId("note"), failure ? failed : isShown ? keptSentence(series, from, language) : words.text("loading"));
  byId("note").toggleAttribute("data-failed", failure !== null);
}

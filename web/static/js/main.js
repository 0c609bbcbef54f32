/** Wiring: what the service and the reader do changes the state, and one show() paints it. */

import { tellLanguage } from "./charts/base.js";
import { minuteChart, sampleChart } from "./charts/hour.js";
import { onThemeChange } from "./charts/theme.js";
import { apart } from "./core/apart.js";
import { moveCursor } from "./core/cursor.js";
import { createFormat, createWords, knownZone, localeFor } from "./core/language.js";
import { State } from "./core/state.js";
import { gapLabels, minuteReadout, sampleReadout } from "./core/summary.js";
import { answersStream, fetchHour } from "./net/api.js";
import { Questions } from "./net/questions.js";
import { Stream } from "./net/stream.js";
import { announce, byId, write } from "./ui/dom.js";
import { tables } from "./ui/tables.js";
import { showNewest, showReadouts, showRemarks, showStatus, showSummaries, statusText } from "./ui/text.js";

/**
 * What the browser tells of its reader: some hide it behind errors.
 * @template T
 * @param {() => T} ask
 * @returns {T | undefined}
 */
function told(ask) {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

/** @type {Boot} */
const boot = JSON.parse(byId("boot").textContent ?? "");
const clock = () => Date.now() / 1000;
const words = createWords(boot.texts, boot.lang);
const zone = knownZone(told(() => Intl.DateTimeFormat().resolvedOptions().timeZone));
const locale = localeFor(
  boot.lang,
  told(() => navigator.languages),
);
const format = createFormat(locale, zone, words);
const language = { words, format };
const state = new State(boot, clock());

/** @type {Labels} */
const labels = {
  gap: (gap) => gapLabels(gap, language),
  pending: ({ connection }) => [[words.text(`pending_${connection}`)]],
  before({ beginning, to }) {
    if (beginning === null) return [[words.text("collecting")], ["…"]];
    return [[words.text("no_history_before", { time: format.moment(beginning, to) })], [words.text("no_history")]];
  },
};

/**
 * @param {number | null} time
 * @param {boolean} pinned
 */
function moveTo(time, pinned) {
  state.point(time, pinned, clock());
  paint();
}

/**
 * @param {KeyboardEvent} press
 * @param {Readout} readout
 * @param {number} [step] of the chart's slots
 */
function onKey(press, readout, step) {
  if (press.key === "Escape") {
    moveTo(null, true);
    return true;
  }
  const time = moveCursor(press, state.cursor, state.grid(clock(), step));
  if (time === null) return false;
  moveTo(time, true);
  announce(readout(time, state.hour, language));
  return true;
}

/**
 * @param {string} id
 * @param {Readout} readout
 * @param {number} [step]
 */
function surroundings(id, readout, step) {
  /** @param {KeyboardEvent} press */
  const keys = (press) => onKey(press, readout, step);
  /** @param {number | null} time */
  const follow = (time) => void (state.pinned || moveTo(time, false));
  const unpin = () => void (state.pinned = false);
  return { node: byId(id), labels, format, onCursor: follow, onPointer: unpin, onKey: keys };
}

/** @param {Frame} frame */
function firstChart(frame) {
  return sampleChart(surroundings("samples-plot", sampleReadout), state.hour.sampleColumns(frame.to), frame);
}

/** @param {Frame} frame */
function secondChart(frame) {
  return minuteChart(surroundings("minutes-plot", minuteReadout, state.hour.perMinute.step), state.hour.minutes(frame.to), frame);
}

/** Each once it is painted. @type {{samples?: ReturnType<typeof sampleChart>, minutes?: ReturnType<typeof minuteChart>}} */
const charts = {};
/** What was announced last. */
let { connection } = state.status(clock());
let { degraded } = state;

/** @param {Status} status */
function announceChanges(status) {
  const { text } = words;
  const news = [];
  if (status.connection !== connection && connection !== "connecting") news.push(statusText(status, language));
  if (state.degraded !== degraded) {
    news.push(state.degraded === null ? text("recovered") : `${text("degraded")} ${state.degraded}`);
  }
  if (news.length > 0) announce(news.join(". "));
  ({ connection } = status);
  ({ degraded } = state);
}

function show() {
  const status = state.status(clock());
  const frame = state.frame(clock());
  const { hour } = state;
  const version = [state.revision, frame.to, frame.pending, status.connection].join();
  const parts = [
    () => showStatus(status, state, language, boot.host),
    () => showNewest(state.newest, language),
    () => charts.samples?.show(version, () => hour.sampleColumns(frame.to), frame),
    () => charts.minutes?.show(version, () => hour.minutes(frame.to), frame),
    () => state.pinned && placeCursors(),
    () => showReadouts(state, language),
    () => showSummaries(hour, frame, language),
    () => showRemarks(frame, language),
    () => write(byId("zone"), format.zone(frame.to)),
    () => write(byId("span"), format.span(frame.from, frame.to)),
    () => announceChanges(status),
  ];
  parts.forEach(apart);
}

function placeCursors() {
  for (const each of Object.values(charts)) each.place(state.cursor);
}

let queued = false;
function paint() {
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => {
    queued = false;
    show();
  });
}

const questions = new Questions(state, fetchHour, paint);

/** @param {"samples" | "minutes"} name */
function attachTable(name) {
  const details = /** @type {HTMLDetailsElement} */ (byId(`${name}-table`));
  details.addEventListener("toggle", () => {
    const rows = details.open ? [tables[name](state.hour, state.end(clock()), language)] : [];
    byId(`${name}-rows`).replaceChildren(...rows);
  });
}

/** After a change of theme. */
function repaint() {
  for (const each of Object.values(charts)) each.repaint();
  showRemarks(state.frame(clock()), language, true);
}

function startStream() {
  new Stream({
    position: () => state.position(clock()),
    enter(phase) {
      state.enter(phase, clock());
      paint();
    },
    receive(name, payload) {
      state.receive(name, payload, clock());
      questions.look();
      paint();
    },
    answers: answersStream,
  }).start();
}

/** What can wait until the first chart is painted; the stream first: whatever else fails, the newest value arrives. */
function start() {
  const parts = [
    startStream,
    () => (charts.minutes = secondChart(state.frame(clock()))),
    () => attachTable("samples"),
    () => attachTable("minutes"),
    () => onThemeChange(repaint),
    () => setInterval(paint, 1000),
  ];
  parts.forEach(apart);
  paint();
}

function begin() {
  apart(() => (charts.samples = firstChart(state.frame(clock()))));
  apart(show);
  requestAnimationFrame(() =>
    setTimeout(() => {
      if (charts.samples) document.documentElement.dataset.ready = "";
      start();
    }),
  );
}

apart(() => tellLanguage(locale));
/* Every script has run then, uPlot's too. */
document.addEventListener("DOMContentLoaded", begin);

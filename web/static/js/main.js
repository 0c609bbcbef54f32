/** Wiring: what the service and the reader do changes the state, and one show() paints it. */

import { averageChart } from "./charts/averages.js";
import { tellLanguage } from "./charts/chart.js";
import { sampleChart } from "./charts/samples.js";
import { onThemeChange } from "./charts/theme.js";
import { apart } from "./model/apart.js";
import { moveCursor } from "./model/cursor.js";
import { gridOf, Scene } from "./model/scene.js";
import { State } from "./model/state.js";
import { MINUTE_S } from "./model/units.js";
import { isFollowing } from "./model/view.js";
import { answersStream, fetchHour, fetchSpan } from "./net/api.js";
import { Questions } from "./net/questions.js";
import { Spans } from "./net/spans.js";
import { Stream } from "./net/stream.js";
import { createFormat, createWords, knownZone, localeFor } from "./text/language.js";
import { averageReadout, gapLabels, sampleReadout } from "./text/sentences.js";
import { addressedView, followAddress, writeAddress } from "./ui/address.js";
import { announce, byId } from "./ui/dom.js";
import { ZONE } from "./ui/zones.js";
import { showNewest, showNote, showReadouts, showStatus, showSummaries, showTitles, showUptime, statusText } from "./ui/words.js";

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
const locale = localeFor(
  boot.lang,
  told(() => navigator.languages),
);
/** In each zone that can be chosen. @type {Record<string, Format>} */
const formats = {
  browser: createFormat(locale, knownZone(told(() => Intl.DateTimeFormat().resolvedOptions().timeZone)), words, clock),
  machine: createFormat(locale, knownZone(boot.zone), words, clock),
  utc: createFormat(locale, "UTC", words, clock),
};
const storedZone = told(() => localStorage.getItem(ZONE)) ?? "";
const zones = { formats, chosen: storedZone in formats ? storedZone : "browser" };
/** Whoever holds it tells times in the zone that is chosen. */
const format = { .../** @type {Format} */ (formats[zones.chosen]) };
const language = { words, format };
const state = new State(boot, clock());
const scene = new Scene(state, addressedView());

/** @type {Labels} */
const labels = {
  gap: (gap) => gapLabels(gap, language),
  pending: ({ connection }) => [[words.text(`pending_${connection}`)]],
  before({ beginning, to }) {
    if (beginning === null) return [[words.text("collecting")], ["…"]];
    return [[words.text("no_history_before", { time: format.moment(beginning, to) })], [words.text("no_history")]];
  },
};

/** What the second bundle has to say of a time besides. @type {Desk["asides"]} */
const asides = [];

/** @type {Readout} */
const tellSample = (time, series, told) => [sampleReadout(time, series, told), ...asides.flatMap((tell) => tell(time))].join("; ");

/** The slots of one of the charts. @param {"fine" | "coarse"} grid */
const slots = (grid) => gridOf(scene.frame(clock()), scene.series[grid].step);

/** To the nearest slot of a grid. @type {Desk["moveTo"]} */
function moveTo(time, pinned, grid = "fine") {
  state.point(time, pinned, slots(grid));
  paint();
}

/**
 * @param {KeyboardEvent} press
 * @param {Readout} readout
 * @param {"fine" | "coarse"} grid of the chart's slots
 */
function onKey(press, readout, grid) {
  if (press.shiftKey && press.key.startsWith("Arrow")) return false;
  if (press.key === "Escape") {
    if (!state.pinned) return false;
    moveTo(null, true);
    return true;
  }
  const time = moveCursor(press, state.cursor, slots(grid));
  if (time === null) return false;
  moveTo(time, true, grid);
  announce(readout(time, scene.series, language));
  return true;
}

/**
 * @param {string} id
 * @param {Readout} readout
 * @param {"fine" | "coarse"} grid
 */
function surroundings(id, readout, grid) {
  /** @param {KeyboardEvent} press */
  const keys = (press) => onKey(press, readout, grid);
  /** @param {number | null} time */
  const follow = (time) => void (state.pinned || moveTo(time, false));
  const unpin = () => void (state.pinned = false);
  return { node: byId(id), labels, format, onCursor: follow, onPointer: unpin, onKey: keys };
}

/** @param {Frame} frame */
function firstChart(frame) {
  return sampleChart(surroundings("samples-plot", tellSample, "fine"), scene.series.sampleColumns(frame.end), frame);
}

/** @param {Frame} frame */
function secondChart(frame) {
  return averageChart(surroundings("minutes-plot", averageReadout, "coarse"), scene.series.averageColumns(frame.end), frame);
}

/** Each once it is painted. @type {Charts} */
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

/** What the second bundle paints besides. @type {((frame: Frame, version: string) => void)[]} */
const further = [];

/** As many points as there is room for, in steps: a window that is drawn wider does not ask for each pixel. */
const points = () => Math.min(1500, Math.max(100, Math.ceil((byId("samples-plot").clientWidth - 70) / 100) * 100));

/** While there is nothing to show, an empty picture would say that nothing was recorded. @param {Frame} frame */
function makeCharts(frame) {
  if (!scene.isShown && !scene.failure) return;
  if (!charts.samples) {
    charts.samples = firstChart(frame);
    requestAnimationFrame(() => setTimeout(() => (document.documentElement.dataset.ready = "")));
  }
  if (isStarted) charts.minutes ??= secondChart(frame);
}

/** So finely a picture follows the clock: less than a pixel nobody sees. */
const MOVES = 1500;

/** Names what is painted. Between two slots a long span gets nothing from the stream. @param {Frame} frame */
function versionOf({ from, to, gaps, beginning, pending, connection }) {
  const { fine, coarse } = scene.series;
  const isFed = scene.isStreamed() || fine.step === state.interval || coarse.step === MINUTE_S;
  const grain = !isFed && scene.isShown && isFollowing(scene.view) ? (to - from) / MOVES : 1;
  const place = [from, to].map((at) => Math.floor(at / grain));
  const news = isFed && state.revision;
  return [scene.revision, ...place, fine.step, news, gaps.length, beginning, pending, connection, format.zone(to)].join();
}

function show() {
  const status = state.status(clock());
  spans.want(scene.request(points(), clock()), !isMoving);
  const frame = scene.frame(clock());
  const { series } = scene;
  const version = versionOf(frame);
  const { dataset } = document.documentElement;
  const parts = [
    () => showStatus(status, state, language, boot.host),
    () => showNewest(state.newest, language),
    () => showUptime(state.now(clock()) - boot.boot_time, language),
    () => makeCharts(frame),
    () => charts.samples?.show(version, () => series.sampleColumns(frame.end), frame),
    () => charts.minutes?.show(version, () => series.averageColumns(frame.end), frame),
    () => void (scene.isShown && charts.samples && (dataset.view = `${frame.from}-${frame.to}`)),
    () => state.pinned && placeCursors(frame),
    () => showReadouts(state.cursor, series, frame, language, tellSample),
    /* On the way to another span the sentences are those of the picture that is still there. */
    () => scene.isShown && showSummaries(String(scene.revision), series, frame, language),
    () => showTitles(scene.view, series, frame, state.interval, language),
    () => showNote(scene, frame, language),
    () => announceChanges(status),
    ...further.map((part) => () => part(frame, version)),
  ];
  parts.forEach(apart);
}

/** One that the picture has moved away from is none. @param {Frame} frame */
function placeCursors({ from }) {
  if (state.cursor !== null && state.cursor < from) state.cursor = null;
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
const spans = new Spans(scene, fetchSpan, paint);
let isStarted = false;
/** A gesture is going on: the next view follows at once. */
let isMoving = false;

/**
 * @param {View} view
 * @param {"push" | "replace" | "move"} how as a step to which the browser goes back, in place of the present one, or
 * for a moment only
 */
function look(view, how) {
  isMoving = how === "move";
  scene.look(view);
  if (state.pinned) state.cursor = null;
  if (how !== "move") writeAddress(view, how);
  paint();
}

/** @param {string} zone one of `formats` */
function tellTimesIn(zone) {
  Object.assign(format, formats[zone]);
  state.revision += 1;
  paint();
}

/** After a change of theme. */
function repaint() {
  for (const each of Object.values(charts)) each.repaint();
  for (const part of further) apart(() => part(scene.frame(clock()), ""));
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

/** What only moving through time needs comes after the first picture. */
async function loadZoom() {
  const { attach } = await import("./zoom.js");
  attach({ boot, state, scene, charts, language, clock, look, paint, moveTo, onKey, further, asides, zones, tellTimesIn });
}

/** What can wait until the first chart is painted; the stream first: whatever else fails, the newest value arrives. */
function start() {
  isStarted = true;
  const parts = [
    startStream,
    () => makeCharts(scene.frame(clock())),
    () => onThemeChange(repaint),
    () => setInterval(paint, 1000),
    () => void loadZoom(),
  ];
  parts.forEach(apart);
  paint();
}

function begin() {
  followAddress(() => {
    scene.look(addressedView());
    paint();
  });
  apart(show);
  requestAnimationFrame(() => setTimeout(start));
}

apart(() => tellLanguage(locale));
/* Every script has run then, uPlot's too. */
document.addEventListener("DOMContentLoaded", begin);

/** Wiring: what the service and the reader do changes the state, and one show() paints it. */

import { tellLanguage } from "./charts/chart.js";
import { onThemeChange } from "./charts/theme.js";
import { apart } from "./model/apart.js";
import { Scene } from "./model/scene.js";
import { State } from "./model/state.js";
import { answersStream, fetchHour, fetchSpan } from "./net/api.js";
import { Questions } from "./net/questions.js";
import { Spans } from "./net/spans.js";
import { Stream } from "./net/stream.js";
import { createFormat, createWords, knownZone, localeFor } from "./text/language.js";
import { averageReadout, gapLabels, sampleReadout } from "./text/sentences.js";
import { addressedView, followAddress, writeAddress } from "./ui/address.js";
import { announce, byId } from "./ui/dom.js";
import { Plots, points } from "./ui/plots.js";
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
const asides = { fine: [], coarse: [] };

/** @param {Readout} readout @param {"fine" | "coarse"} grid @returns {Readout} */
const withAsides = (readout, grid) => (time, series, told) =>
  [readout(time, series, told), ...asides[grid].flatMap((tell) => tell(time))].join("; ");
const tellSample = withAsides(sampleReadout, "fine");
const tellAverage = withAsides(averageReadout, "coarse");

const plots = new Plots({ state, scene, clock, language, paint }, labels, tellSample, tellAverage);
const { charts } = plots;
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

/** While there is nothing to show, an empty picture would say that nothing was recorded. @param {Frame} frame */
function makeCharts(frame) {
  if (scene.isShown || scene.failure) plots.make(frame, isStarted);
}

function show() {
  const status = state.status(clock());
  spans.want(scene.request(points(), clock()), !isMoving);
  const frame = scene.frame(clock());
  const { series } = scene;
  const version = plots.version(frame);
  const { dataset } = document.documentElement;
  const parts = [
    () => showStatus(status, state, language, boot.host),
    () => showNewest(state.newest, language),
    () => showUptime(state.now(clock()) - boot.boot_time, language),
    () => makeCharts(frame),
    () => charts.samples?.show(version, () => series.sampleColumns(frame.end), frame),
    () => charts.minutes?.show(version, () => series.averageColumns(frame.end), frame),
    () => void (scene.isShown && charts.samples && (dataset.view = `${frame.from}-${frame.to}`)),
    () => state.pinned && plots.placeCursors(frame),
    () => showReadouts(state.cursor, series, frame, language, tellSample, tellAverage),
    /* On the way to another span the sentences are those of the picture that is still there. */
    () => scene.isShown && showSummaries(String(scene.revision), series, frame, language),
    () => showTitles(scene.view, series, frame, state.interval, language),
    () => showNote(scene, frame, language),
    () => announceChanges(status),
    ...further.map((part) => () => part(frame, version)),
  ];
  parts.forEach(apart);
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
  const { moveTo, onKey } = plots;
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

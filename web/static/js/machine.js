/** Wiring of the page of one machine of the fleet: the charts of a machine's own page, drawn from what its engine has. */

import { tellLanguage } from "./charts/chart.js";
import { attachTapElsewhere } from "./charts/gestures/finger.js";
import { onThemeChange } from "./charts/theme.js";
import { apart } from "./model/apart.js";
import { linkOf } from "./model/fleet.js";
import { Scene } from "./model/scene.js";
import { State } from "./model/state.js";
import { around, RANGES } from "./model/view.js";
import { historyAt } from "./net/api.js";
import { Spans } from "./net/spans.js";
import { createFormat, createWords, knownZone, localeFor } from "./text/language.js";
import { gapLabels, sampleReadout } from "./text/sentences.js";
import { addressedView, followAddress, writeAddress } from "./ui/address.js";
import { byId, make, write } from "./ui/dom.js";
import { gesturesOf, navigationOf } from "./ui/gestures.js";
import { attachKeyboard } from "./ui/keyboard.js";
import { Plots, points } from "./ui/plots.js";
import { attachRanges, showLanguages, showRanges } from "./ui/ranges.js";
import { tagsOf } from "./ui/tags.js";
import { showNote, showReadouts, showSummaries, showTitles } from "./ui/words.js";

/** Ranges that an engine is asked for: `all` it could not tell the beginning of. */
const OFFERED = Object.keys(RANGES).filter((name) => name !== "all");

/** @type {{lang: string, now: number, texts: Record<string, string>}} */
const boot = JSON.parse(byId("boot").textContent ?? "");
const clock = () => Date.now() / 1000;
const words = createWords(boot.texts, boot.lang);
const locale = localeFor(boot.lang, navigator.languages);
const format = createFormat(locale, knownZone(Intl.DateTimeFormat().resolvedOptions().timeZone), words, clock);
const language = { words, format };

/** Name and value of each label of the machine. */
const named = new URLSearchParams(location.search).getAll("label");
const machine = Object.fromEntries(named.map((text) => /** @type {[string, string]} */ ([text.split("=", 1)[0], text.slice(text.indexOf("=") + 1)])));
const { host = "", ...others } = machine;

/** @param {number} step @returns {HistoryBody} */
const nothing = (step) => ({
  host, now: boot.now, from: boot.now, to: boot.now, step, start: boot.now, last_id: null, cpu: [], gaps: [], clock_steps: [],
});

const empty = { version: "", interval: 5, state: "", samples: nothing(5), minutes: nothing(60), newest: null };
const state = new State({ ...empty, now: boot.now }, clock());
/* Gaps that last reach until now. */
state.enter("open", clock());
const scene = new Scene(state, addressedView(), false);

/** @type {Labels} */
const labels = {
  gap: (gap) => gapLabels(gap, language),
  pending: () => [[]],
  before({ beginning, to }) {
    const all = [[words.text("machine_nothing")], [words.text("no_history")]];
    return beginning === null ? all : [[words.text("machine_nothing_before", { time: format.moment(beginning, to) })], ...all];
  },
};

const plots = new Plots({ state, scene, clock, language, paint }, labels, sampleReadout);
const { charts, moveTo } = plots;
const go = navigationOf({ scene, state, clock, look }, OFFERED);
const attach = gesturesOf({ scene, state, moveTo, charts }, go, (gap) => go.zoom(around(gap)));

const showTags = tagsOf({ state, scene, charts, language });

const who = named.map((text) => `label=${encodeURIComponent(text)}`).join("&");
const engine = historyAt(`api/machine?${who}&`, "modes");

/** @type {typeof engine.fetchSpan} */
const fetchMachine = async (wanted, signal) => {
  const answers = await engine.fetchSpan(wanted, signal);
  state.interval = answers[0].interval ?? state.interval;
  return answers;
};
const spans = new Spans(scene, fetchMachine, paint);
let isMoving = false;

/** @type {Desk["look"]} */
function look(view, how) {
  isMoving = how === "move";
  scene.look(view);
  if (state.pinned) state.cursor = null;
  if (how !== "move") writeAddress(view, how);
  paint();
}

function show() {
  spans.want(scene.request(points(), clock()), !isMoving);
  const frame = scene.frame(clock());
  const { series } = scene;
  const version = plots.version(frame);
  const parts = [
    () => void ((scene.isShown || scene.failure) && plots.make(frame, true)),
    attach,
    showTags,
    () => charts.samples?.show(version, () => series.sampleColumns(frame.end), frame),
    () => charts.minutes?.show(version, () => series.averageColumns(frame.end), frame),
    () => void (scene.isShown && charts.samples && (document.documentElement.dataset.view = `${frame.from}-${frame.to}`)),
    () => state.pinned && plots.placeCursors(frame),
    () => showReadouts(state.cursor, series, frame, language, sampleReadout),
    () => scene.isShown && showSummaries(String(scene.revision), series, frame, language),
    () => showTitles(scene.view, series, frame, state.interval, language),
    () => showNote(scene, frame, language),
    () => showRanges(scene.view, frame, state.end(clock())),
    () => showLanguages(scene.view),
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

function showName() {
  write(byId("host"), host || named.join(" "));
  document.title = `CPU · ${host || named.join(" ")}`;
  const told = Object.entries(others).filter(([name]) => name !== "url").map(([name, text]) => `${name}=${text}`);
  write(byId("labels"), told.join(" · "));
  const link = linkOf(machine);
  if (link) byId("labels").append(" ", make("a", { href: link }, words.text("machine_own")));
}

function repaint() {
  for (const each of Object.values(charts)) each.repaint();
}

function begin() {
  followAddress(() => {
    scene.look(addressedView());
    paint();
  });
  const parts = [
    showName,
    () => attachRanges(go),
    () => attachKeyboard(go, () => (state.pinned ? state.cursor : null)),
    () => attachTapElsewhere(() => moveTo(null, true)),
    () => onThemeChange(repaint),
    () => setInterval(() => document.hidden || paint(), 1000),
    show,
  ];
  parts.forEach(apart);
}

apart(() => tellLanguage(locale));
/* Every script has run then, uPlot's too. */
document.addEventListener("DOMContentLoaded", begin);

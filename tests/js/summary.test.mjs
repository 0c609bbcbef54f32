import assert from "node:assert/strict";
import { test } from "node:test";

import { createFormat, createWords } from "../../web/static/js/core/language.js";
import { Hour } from "../../web/static/js/core/store.js";
import * as summary from "../../web/static/js/core/summary.js";
import { emptyHistory, historyOf, plainTexts } from "./world.mjs";

const words = createWords(plainTexts, "en");
const language = { words, format: createFormat("en-US", "UTC", words) };
const NOON = Date.UTC(2026, 10, 24, 12) / 1000;
const gap = { from: NOON + 180, to: NOON + 1020, cause: "stopped", cpu: 23.1 };
const frame = { from: NOON, to: NOON + 3600, gaps: [], beginning: NOON, pending: null, connection: "live" };
const spaced = (text) => text.replaceAll("\u00a0", " ");

test("the samples are summed up in a mean, a peak with its time and the interruptions", () => {
  const text = summary.samplesSummary([[NOON, NOON + 5, NOON + 10], [10, null, 60]], { ...frame, gaps: [gap] }, language);
  assert.equal(spaced(text), "Average 35 %, peak 60 % at 12:00:10. 1 interruption, 14 min.");
});

test("only what lies within the picture counts as interrupted", () => {
  const long = { ...gap, from: NOON - 9000 };
  const text = summary.samplesSummary([[NOON], [10]], { ...frame, gaps: [long] }, language);
  assert.match(spaced(text), /1 interruption, 17 min\.$/);
});

test("an hour without a value says so", () => {
  assert.equal(summary.samplesSummary([[NOON], [null]], frame, language), "empty");
  assert.equal(summary.minutesSummary([[NOON], [null], [null], [null], [null]], language), "no minutes");
});

test("the minutes are summed up in the busiest and the calmest", () => {
  const text = summary.minutesSummary([[NOON, NOON + 60], [1, 2], [3, 90], [null, null], [2, 71]], language);
  assert.equal(spaced(text), "Busiest 12:00–12:01 71 %, calmest 2 %.");
});

test("a gap says its cause, when it was, how long, and the mean that is known", () => {
  assert.equal(spaced(summary.gapSentence(gap, language)), "service was off 12:03–12:17, 14 min; CPU averaged 23 %");
  assert.equal(spaced(summary.gapSentence({ ...gap, cpu: null }, language)), "service was off 12:03–12:17, 14 min");
});

test("a label shortens with its room, down to nothing", () => {
  const labels = summary.gapLabels(gap, language);
  const fit = (width) => summary.fittingLabel(labels, width, (line) => line.length * 10).map(spaced);

  assert.deepEqual(fit(1000), ["service was off 12:03–12:17, 14 min; CPU averaged 23 %"]);
  assert.deepEqual(fit(400), ["service was off 12:03–12:17, 14 min", "CPU averaged 23 %"]);
  assert.deepEqual(fit(200), ["service was off", "12:03–12:17, 14 min", "CPU averaged 23 %"]);
  assert.deepEqual(fit(100), ["off 14 min"]);
  assert.deepEqual(fit(60), ["off", "14 min"]);
  assert.deepEqual(fit(20), []);
});

test("the readout names a value, a gap or the lack of both", () => {
  const hour = new Hour(emptyHistory(NOON + 3600), emptyHistory(NOON + 3600, 60));
  hour.putSample({ time: NOON + 5, cpu: 12.34 });
  hour.putGap(gap);

  assert.equal(spaced(summary.sampleReadout(NOON + 5, hour, language)), "12:00:05 · 12.3 %");
  assert.match(summary.sampleReadout(NOON + 600, hour, language), /^12:10:00 · service was off/);
  assert.equal(summary.sampleReadout(NOON + 2000, hour, language), "12:33:20 · no sample");
});

test("the readout of a minute takes any time that the minute covers", () => {
  const hour = new Hour(emptyHistory(NOON + 3600), emptyHistory(NOON + 3600, 60));
  hour.putMinute({ time: NOON + 120, cpu: 40, min: 17, max: 98, count: 12 });

  assert.equal(spaced(summary.minuteReadout(NOON + 65, hour, language)), "12:01–12:02 · 40.0 % (17 %, 98 %), 12 samples");
  assert.equal(summary.minuteReadout(NOON + 60, hour, language), "12:00–12:01 · no sample");
  assert.equal(summary.minuteReadout(NOON + 121, hour, language), "12:02–12:03 · not over yet");
});

test("the readout of an unreliable minute says how much was counted, where that is known", () => {
  const hour = new Hour(emptyHistory(NOON + 3600), emptyHistory(NOON + 3600, 60));
  hour.putMinute({ time: NOON + 60, cpu: 40, min: 17, max: 98, count: 12, accounted: 0.6 });
  hour.putMinute({ time: NOON + 120, cpu: 40, min: 17, max: 98, count: 12, unreliable: true });

  assert.match(spaced(summary.minuteReadout(NOON + 60, hour, language)), /12 samples; unreliable, 60 % counted$/);
  assert.match(summary.minuteReadout(NOON + 120, hour, language), /12 samples; unreliable$/);
});

test("a clock step says which way, how far and when", () => {
  assert.equal(spaced(summary.clockStepSentence({ time: NOON + 180, seconds: 3599.8 }, language)), "forward by 1 h at 12:03");
  assert.equal(spaced(summary.clockStepSentence({ time: NOON + 180, seconds: -40 }, language)), "back by 40 s at 12:03");
});

test("the list of interruptions is in the order of time", () => {
  const clockSteps = [{ time: NOON + 185, seconds: 3600 }, { time: NOON + 2000, seconds: -40 }];
  const unreliable = [{ from: NOON, to: NOON + 120 }, { from: NOON + 1200, to: NOON + 1260 }];

  const listed = summary.remarks({ gaps: [gap], clockSteps, unreliable }, language);

  assert.deepEqual(listed.map(({ sentence }) => spaced(sentence)), [
    "12:00–12:02: unreliable",
    "Service was off 12:03–12:17, 14 min; CPU averaged 23 %",
    "forward by 1 h at 12:03",
    "12:20–12:21: unreliable",
    "back by 40 s at 12:33",
  ]);
  assert.deepEqual(listed.map(({ cause }) => cause), [undefined, "stopped", undefined, undefined, undefined]);
  assert.deepEqual(listed.at(-1).attributes, { "data-clock-step": NOON + 2000, "data-seconds": -40 });
});

test("in the night when the clocks are set back every sentence says which of two equal times it means", () => {
  const night = Date.UTC(2026, 9, 25) / 1000;
  const berlin = { words, format: createFormat("en-GB", "Europe/Berlin", words) };
  const hour = new Hour(emptyHistory(night + 6000), emptyHistory(night + 6000, 60));
  hour.putMinute({ time: night + 3600, cpu: 40, min: 17, max: 98, count: 12 });
  const stretch = { from: night + 3000, to: night + 3660 };

  assert.match(spaced(summary.gapSentence({ ...gap, from: night + 2400, to: night + 6000 }, berlin)), /02:40 \+02:00 – 02:40 \+01:00, 1 h/);
  assert.match(spaced(summary.minuteReadout(night + 3590, hour, berlin)), /^02:59 \+02:00 – 02:00 \+01:00 · 40/);
  assert.match(spaced(summary.samplesSummary([[night + 5], [9]], frame, berlin)), /peak 9 % at 02:00:05 \+02:00/);
  assert.equal(spaced(summary.clockStepSentence({ time: night + 4000, seconds: 60 }, berlin)), "forward by 1 min at 02:06 +01:00");
  assert.equal(spaced(summary.remarks({ gaps: [], clockSteps: [], unreliable: [stretch] }, berlin)[0].sentence), "02:50 +02:00 – 02:01 +01:00: unreliable");
});

test("a gap with a cause that this page does not know yet is an interruption like others", () => {
  const text = summary.gapSentence({ ...gap, cause: "throttled" }, language);

  assert.equal(spaced(text), "interrupted 12:03–12:17, 14 min; CPU averaged 23 %");
  assert.deepEqual(summary.gapLabels({ ...gap, cause: "throttled" }, language).at(-2).map(spaced), ["gap", "14 min"]);
});

test("a gap without an end says since when, never until when", () => {
  const open = { from: NOON + 180, to: NOON + 1020, cause: "stopped", cpu: null, isOpen: true };

  assert.equal(spaced(summary.gapSentence(open, language)), "service was off since 12:03");
  assert.deepEqual(summary.gapLabels(open, language).map((lines) => lines.map(spaced)), [
    ["service was off since 12:03"],
    ["service was off", "since 12:03"],
    ["off 14 min"],
    ["off", "14 min"],
    ["14 min"],
  ]);
  assert.match(spaced(summary.samplesSummary([[NOON], [10]], { ...frame, gaps: [open] }, language)), /1 interruption, 14 min\.$/);
  const [remark] = summary.remarks({ gaps: [open], clockSteps: [], unreliable: [] }, language);
  assert.equal(remark.attributes["data-to"], "");
});

test("an unreliable sample says so, and its stretch is named to the second", () => {
  const history = historyOf(NOON + 3600, 5, (time) => (time === NOON + 5 ? 12.34 : null), { unreliable: [NOON + 5] });
  const hour = new Hour(history, emptyHistory(NOON + 3600, 60));
  const stretch = { from: NOON, to: NOON + 5 };

  assert.equal(spaced(summary.sampleReadout(NOON + 5, hour, language)), "12:00:05 · 12.3 %; unreliable");
  const [remark] = summary.remarks({ gaps: [], clockSteps: [], unreliable: [stretch] }, language);
  assert.equal(remark.sentence, "12:00:00–12:00:05: unreliable");
});

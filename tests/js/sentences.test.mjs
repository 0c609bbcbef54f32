import assert from "node:assert/strict";
import { test } from "node:test";

import { createFormat, createWords } from "../../web/static/js/text/language.js";
import { Series } from "../../web/static/js/model/series.js";
import * as happened from "../../web/static/js/text/remarks.js";
import * as summary from "../../web/static/js/text/sentences.js";
import { chance, emptyHistory, historyOf, plainTexts } from "./world.mjs";

const words = createWords(plainTexts, "en");
const language = { words, format: createFormat("en-US", "UTC", words) };
const NOON = Date.UTC(2026, 10, 24, 12) / 1000;
const gap = { from: NOON + 180, to: NOON + 1020, cause: "stopped", cpu: 23.1 };
const frame = { from: NOON, to: NOON + 3600, end: NOON + 3600, gaps: [], beginning: NOON, pending: null, connection: "live" };
const spaced = (text) => text.replaceAll("\u00a0", " ");

/** The hour from noon on, with these samples and gaps. */
function hourWith(samples, ...gaps) {
  const hour = new Series(emptyHistory(NOON + 3600), emptyHistory(NOON + 3600, 60));
  for (const [time, cpu] of Object.entries(samples)) hour.putSample({ time: NOON + Number(time), cpu });
  for (const one of gaps) hour.putGap(one);
  return hour;
}

test("the samples are summed up in a mean, a peak with its time and the interruptions", () => {
  const text = summary.samplesSummary(hourWith({ 5: 10, 15: 60 }), { ...frame, gaps: [gap] }, language);
  assert.equal(spaced(text), "Average 35 %, peak 60 % at 12:00:15. 1 interruption, 14 min.");
});

test("only what lies within the picture counts as interrupted", () => {
  const long = { ...gap, from: NOON - 9000 };
  const text = summary.samplesSummary(hourWith({ 5: 10 }), { ...frame, gaps: [long] }, language);
  assert.match(spaced(text), /1 interruption, 17 min\.$/);
});

test("of what has not arrived nothing is said but that", () => {
  const waiting = { ...frame, pending: NOON + 1800 };
  const told = (gaps) => spaced(summary.samplesSummary(hourWith({ 5: 10 }), { ...waiting, gaps }, language));

  assert.match(told([]), /at 12:00:05\. Nothing known since 12:30\.$/);
  assert.match(told([gap]), /1 interruption, 14 min\. Nothing known since 12:30\.$/);
});

test("an hour without a value says so", () => {
  assert.equal(summary.samplesSummary(hourWith({}), frame, language), "empty");
  assert.equal(summary.averagesSummary(hourWith({}), frame, language), "no minutes");
});

test("the minutes are summed up in the busiest and the calmest", () => {
  const hour = hourWith({});
  hour.putAverage({ time: NOON + 60, cpu: 2, min: 1, max: 3, count: 12 });
  hour.putAverage({ time: NOON + 120, cpu: 71, min: 2, max: 90, count: 12 });

  assert.equal(spaced(summary.averagesSummary(hour, frame, language)), "Busiest 12:01–12:02 71 %, calmest 2 %.");
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
  const hour = new Series(emptyHistory(NOON + 3600), emptyHistory(NOON + 3600, 60));
  hour.putSample({ time: NOON + 5, cpu: 12.34 });
  hour.putGap(gap);

  assert.equal(spaced(summary.sampleReadout(NOON + 5, hour, language)), "12:00:05 · 12.3 %");
  assert.match(summary.sampleReadout(NOON + 600, hour, language), /^12:10:00 · service was off/);
  assert.equal(summary.sampleReadout(NOON + 2000, hour, language), "12:33:20 · no sample");
});

test("the readout of a minute takes any time that the minute covers", () => {
  const hour = new Series(emptyHistory(NOON + 3600), emptyHistory(NOON + 3600, 60));
  hour.putAverage({ time: NOON + 120, cpu: 40, min: 17, max: 98, count: 12 });

  assert.equal(spaced(summary.averageReadout(NOON + 65, hour, language)), "12:01–12:02 · 40.0 % (17 %, 98 %), 12 samples");
  assert.equal(summary.averageReadout(NOON + 60, hour, language), "12:00–12:01 · no sample");
  assert.equal(summary.averageReadout(NOON + 121, hour, language), "12:02–12:03 · not over yet");
});

test("the readout of an unreliable minute says how much was counted, where that is known", () => {
  const hour = new Series(emptyHistory(NOON + 3600), emptyHistory(NOON + 3600, 60));
  hour.putAverage({ time: NOON + 60, cpu: 40, min: 17, max: 98, count: 12, accounted: 0.6 });
  hour.putAverage({ time: NOON + 120, cpu: 40, min: 17, max: 98, count: 12, unreliable: true });

  assert.match(spaced(summary.averageReadout(NOON + 60, hour, language)), /40.0 % \(17 %, 98 %\); unreliable, 60 % counted$/);
  assert.match(summary.averageReadout(NOON + 120, hour, language), /98.%\); unreliable$/);
});

test("a clock step says which way, how far and when", () => {
  assert.equal(spaced(happened.clockStepSentence({ time: NOON + 180, seconds: 3599.8 }, language)), "forward by 1 h at 12:03");
  assert.equal(spaced(happened.clockStepSentence({ time: NOON + 180, seconds: -40 }, language)), "back by 40 s at 12:03");
});

test("the list of interruptions is in the order of time", () => {
  const clockSteps = [{ time: NOON + 185, seconds: 3600 }, { time: NOON + 2000, seconds: -40 }];
  const unreliable = [{ from: NOON, to: NOON + 120 }, { from: NOON + 1200, to: NOON + 1260 }];

  const listed = happened.remarks({ gaps: [gap], clockSteps, unreliable }, language);

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

test("busy stretches stand among the interruptions, and each leads to its stretch", () => {
  const busy = [{ from: NOON + 600, to: NOON + 1140, mean: 97.2, max: 99.6, mode: "user", cores: "one" }, { from: NOON, to: NOON + 60, mean: 90, max: 91, mode: "irq", cores: null }];

  const listed = happened.remarks({ gaps: [gap], clockSteps: [], unreliable: [], busy }, language);

  assert.deepEqual(listed.map(({ sentence }) => spaced(sentence)), [
    "Busy 12:00:00–12:01:00, 1 min: 90 %, 91 %, interrupts",
    "Service was off 12:03–12:17, 14 min; CPU averaged 23 %",
    "Busy 12:10–12:19, 9 min: 97 %, 100 %, programs, one core",
  ]);
  assert.deepEqual(listed.map(({ jump }) => jump.from), [NOON, gap.from, NOON + 600]);
});

test("of many interruptions the longest are told, and how many others there were", () => {
  const gaps = Array.from({ length: 30 }, (_, i) => ({ ...gap, from: NOON + i * 100, to: NOON + i * 100 + 1 + i }));

  const listed = happened.remarks({ gaps, clockSteps: [], unreliable: [] }, language);

  assert.equal(listed.length, 13);
  assert.equal(spaced(listed.at(-1).sentence), "and 18 shorter, 2 min 51 s");
});

test("short interruptions that are told as one say how many they are", () => {
  const several = { from: NOON, to: NOON + 7200, count: 40, seconds: 300, causes: ["stalled"], cpu: null };

  assert.equal(spaced(summary.gapSentence(several, language)), "40 within 12:00–14:00, 5 min");
});

test("in the night when the clocks are set back every sentence says which of two equal times it means", () => {
  const night = Date.UTC(2026, 9, 25) / 1000;
  const berlin = { words, format: createFormat("en-GB", "Europe/Berlin", words) };
  const hour = new Series(emptyHistory(night + 6000), emptyHistory(night + 6000, 60));
  hour.putAverage({ time: night + 3600, cpu: 40, min: 17, max: 98, count: 12 });
  const stretch = { from: night + 3000, to: night + 3660 };
  const nightly = new Series(emptyHistory(night + 3600), emptyHistory(night + 3600, 60));
  nightly.putSample({ time: night + 5, cpu: 9 });

  assert.match(spaced(summary.gapSentence({ ...gap, from: night + 2400, to: night + 6000 }, berlin)), /02:40 \+02:00 – 02:40 \+01:00, 1 h/);
  assert.match(spaced(summary.averageReadout(night + 3590, hour, berlin)), /^02:59 \+02:00 – 02:00 \+01:00 · 40/);
  assert.match(spaced(summary.samplesSummary(nightly, { ...frame, from: night, to: night + 3600, end: night + 3600 }, berlin)), /peak 9 % at 02:00:05 \+02:00/);
  assert.equal(spaced(happened.clockStepSentence({ time: night + 4000, seconds: 60 }, berlin)), "forward by 1 min at 02:06 +01:00");
  assert.equal(spaced(happened.remarks({ gaps: [], clockSteps: [], unreliable: [stretch] }, berlin)[0].sentence), "02:50 +02:00 – 02:01 +01:00: unreliable");
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
  assert.match(spaced(summary.samplesSummary(hourWith({ 5: 10 }), { ...frame, gaps: [open] }, language)), /1 interruption, 14 min\.$/);
  const [remark] = happened.remarks({ gaps: [open], clockSteps: [], unreliable: [] }, language);
  assert.equal(remark.attributes["data-to"], "");
});

test("what still lasts is not told as over", () => {
  const unreadable = { from: NOON + 180, to: NOON + 1020, cause: "unreadable", cpu: null };

  assert.equal(spaced(summary.gapSentence({ ...unreadable, isOpen: true }, language)), "not read since 12:03");
  assert.equal(spaced(summary.gapSentence(unreadable, language)), "unread 12:03–12:17, 14 min");
});

test("an unreliable sample says so, and its stretch is named to the second", () => {
  const history = historyOf(NOON + 3600, 5, (time) => (time === NOON + 5 ? 12.34 : null), { unreliable: [NOON + 5] });
  const hour = new Series(history, emptyHistory(NOON + 3600, 60));
  const stretch = { from: NOON, to: NOON + 5 };

  assert.equal(spaced(summary.sampleReadout(NOON + 5, hour, language)), "12:00:05 · 12.3 %; unreliable");
  const [remark] = happened.remarks({ gaps: [], clockSteps: [], unreliable: [stretch] }, language);
  assert.equal(remark.sentence, "12:00:00–12:00:05: unreliable");
});

/** 30 min at 95 % that one sample covers, and 30 at 5 %. */
function halfStalled(more = {}) {
  const quiet = Object.fromEntries(Array.from({ length: 360 }, (_, i) => [1805 + 5 * i, 5]));
  return hourWith({ ...quiet, 1800: 95 }, { from: NOON, to: NOON + 1795, cause: "stalled", cpu: 95, ...more });
}

test("a stall weighs as much in the average as it lasted: 30 min at 95 % beside 30 quiet ones are 50 %", () => {
  assert.match(spaced(summary.samplesSummary(halfStalled(), frame, language)), /^Average 50 %, peak 95 % at 12:30:00\./);
});

test("it does so from a history as from the stream", () => {
  const samples = historyOf(NOON + 3600, 5, (time) => (time < NOON + 1800 ? null : time === NOON + 1800 ? 95 : 5), {
    gaps: [{ from: NOON, to: NOON + 1795, cause: "stalled", cpu: 95 }],
  });
  const hour = new Series(samples, emptyHistory(NOON + 3600, 60));

  assert.match(spaced(summary.samplesSummary(hour, frame, language)), /^Average 50 %/);
});

test("of a stall only the part within the picture weighs", () => {
  const text = summary.samplesSummary(halfStalled({ from: NOON - 9000 }), frame, language);

  assert.match(spaced(text), /^Average 50 %/);
});

test("while the service was off, crashed or asleep nothing was recorded that could weigh", () => {
  for (const cause of ["stopped", "crashed", "rebooted", "suspended", "clock", "unwritten"]) {
    assert.match(spaced(summary.samplesSummary(halfStalled({ cause }), frame, language)), /^Average 5 %/, cause);
  }
});

test("counters that stood still count in the sample after them, counters that began anew do not", () => {
  const [stoodStill, anew] = [95, 40].map((cpu) => summary.samplesSummary(halfStalled({ cause: "unreadable", cpu }), frame, language));

  assert.match(spaced(stoodStill), /^Average 50 %/);
  assert.match(spaced(anew), /^Average 5 %/);
});

test("what lies before the picture is neither in the average nor the peak", () => {
  assert.match(spaced(summary.samplesSummary(hourWith({ 0: 99, 5: 10 }), frame, language)), /^Average 10 %, peak 10 %/);
});

test("the mean is the sum of shares times lengths over the lengths, wherever the stalls are", () => {
  const random = chance(3);
  for (let round = 0; round < 50; round += 1) {
    const [samples, gaps] = [{}, []];
    let [time, busy, all] = [0, 0, 0];
    while (time < 3600) {
      const length = Math.min(3600 - time, 5 * (random() < 0.1 ? 2 + Math.floor(random() * 60) : 1));
      const cpu = Math.round(100 * random());
      if (length > 5) gaps.push({ from: NOON + time, to: NOON + time + length - 5, cause: "stalled", cpu });
      time += length;
      samples[time] = cpu;
      [busy, all] = [busy + cpu * length, all + length];
    }

    const text = summary.samplesSummary(hourWith(samples, ...gaps), frame, language);

    assert.equal(/Average (\d+)/.exec(text)[1], String(Math.round(busy / all)));
  }
});

test("a sample after a stall says what it covers, and a minute of which it is part", () => {
  const hour = hourWith({ 30: 5, 605: 95 }, { from: NOON + 30, to: NOON + 600, cause: "stalled", cpu: 95 });
  hour.putAverage({ time: NOON + 60, cpu: 5, min: 5, max: 5, count: 6 });
  hour.putAverage({ time: NOON + 660, cpu: 94, min: 4, max: 95, count: 12 });
  const [sample, before, within, after] = [
    summary.sampleReadout(NOON + 605, hour, language),
    ...[60, 120, 660].map((time) => summary.averageReadout(NOON + time, hour, language)),
  ].map(spaced);

  assert.equal(sample, "12:10:05 · 95.0 %; one covers 12:00–12:10");
  assert.equal(before, "12:00–12:01 · 5.0 % (5 %, 5 %), 6 samples; one covers 12:00–12:10");
  assert.equal(within, "12:01–12:02 · held up 12:00–12:10, 9 min 30 s; CPU averaged 95 %");
  assert.equal(after, "12:10–12:11 · 94.0 % (4 %, 95 %), 12 samples; one covers 12:00–12:10");
});

test("a stall within one minute leaves its readout as it is", () => {
  const hour = hourWith({ 5: 5, 30: 95 }, { from: NOON + 5, to: NOON + 25, cause: "stalled", cpu: 95 });
  hour.putAverage({ time: NOON + 60, cpu: 50, min: 5, max: 95, count: 8 });

  assert.equal(spaced(summary.averageReadout(NOON + 60, hour, language)), "12:00–12:01 · 50.0 % (5 %, 95 %), 8 samples");
});

test("a minute of which nothing was recorded says why, also while that goes on", () => {
  const hour = hourWith({ 5: 5 }, { ...gap, cause: "crashed" }, { from: NOON + 1200, to: null, cause: "unreadable", cpu: null });

  assert.match(summary.averageReadout(NOON + 300, hour, language), /^12:04–12:05 · crashed/);
  assert.match(summary.averageReadout(NOON + 1500, hour, language), /^12:24–12:25 · not read since/);
});

test("the busiest minute is called a stretch where its mean is that of a stall", () => {
  const hour = halfStalled();
  hour.putAverage({ time: NOON + 1800, cpu: 95, min: 95, max: 95, count: 1 });
  hour.putAverage({ time: NOON + 1860, cpu: 5, min: 5, max: 5, count: 12 });

  assert.equal(spaced(summary.averagesSummary(hour, frame, language)), "Busiest stretch 12:00–12:30 95 %, calmest 5 %.");
});

test("the note says since when there would be more, where a limit has taken it away", () => {
  const note = (step, samples, minutes, keptFrom = null) =>
    spaced(summary.keptSentence({ fine: { step }, kept: { samples_from: samples, minutes_from: minutes }, keptFrom }, NOON, language));

  assert.equal(note(5, null, null), "");
  assert.equal(note(5, NOON - 1, NOON - 60), "");
  assert.match(note(60, NOON + 3600, NOON), /^before .* only minutes are kept$/);
  assert.match(note(900, NOON + 7200, NOON + 3600), /^before .* only quarters of an hour are kept$/);
  assert.equal(note(21_600, NOON + 7200, NOON + 3600), "");
  assert.match(note(21_600, NOON + 7200, NOON + 3600, NOON + 60), /^before .* put together from finer records$/);
});

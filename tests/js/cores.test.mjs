import assert from "node:assert/strict";
import { test } from "node:test";

import { busiestCore, coreSlots, rowNames, rowValues } from "../../web/static/js/model/cores.js";
import { Series } from "../../web/static/js/model/series.js";
import { rowReadout } from "../../web/static/js/text/cores.js";
import { createFormat, createWords } from "../../web/static/js/text/language.js";
import { emptyHistory, historyOf, plainTexts } from "./world.mjs";

const words = createWords({ ...plainTexts, core: "core {cpu}", row_of_cores: "{row} of {count}", row_p75: "p75" }, "en");
const language = { words, format: createFormat("en-GB", "UTC", words) };

const END = 1_763_936_400;

function seriesWith(rows, cpus) {
  const cores = Array.from({ length: rows }, (_, row) => Array(60).fill(row));
  const count = Array(60).fill(12);
  return new Series(emptyHistory(END), historyOf(END, 60, () => 20, { cores, count, ...(cpus && { cpus }) }));
}

test("each core is a row under its own number", () => {
  const series = seriesWith(3, [0, 2, 4]);
  const slots = coreSlots(series, END);

  assert.deepEqual(rowNames(series), ["0", "2", "4"]);
  assert.equal(slots.length, 60);
  assert.deepEqual(slots[0].values, [0, 1, 2]);
});

test("of more cores than can be told apart the spread is shown", () => {
  const series = seriesWith(64);

  assert.deepEqual(rowNames(series), ["max", "p75", "p50", "p25", "min"]);
  assert.deepEqual(rowValues(series, END), [63, 47, 32, 16, 0]);
});

test("without cores there are no rows", () => {
  const series = new Series(emptyHistory(END), emptyHistory(END, 60));

  assert.deepEqual([rowNames(series), coreSlots(series, END)], [[], []]);
});

test("the busiest core of a slot is named by its number", () => {
  const series = seriesWith(3, [0, 2, 4]);

  assert.deepEqual(busiestCore(series, END - 30), { cpu: 4, load: 2 });
  assert.equal(busiestCore(series, END + 600), null);
});

test("what the stream brings later does not take the cores from a minute, in whatever order they come", () => {
  const minute = { time: END, cpu: 20, min: 20, max: 20, count: 12, accounted: 1 };
  const series = seriesWith(2);
  series.putAverage(minute);
  const other = new Series(emptyHistory(END), emptyHistory(END, 60));
  other.putAverage(minute);
  other.loadAverages(historyOf(END, 60, () => 20, { cores: [Array(60).fill(0), Array(60).fill(1)], count: Array(60).fill(12) }));

  for (const each of [series, other]) assert.deepEqual(busiestCore(each, END), { cpu: 1, load: 1 });
});

test("a row says which core it is, of which slot, and how busy it was", () => {
  const say = (series, row, time) => rowReadout(row, time, series, language).replaceAll("\u00a0", " ");

  assert.equal(say(seriesWith(3, [0, 2, 4]), 1, END - 30), "core 2 · 22:19–22:20 · 1 %");
  assert.equal(say(seriesWith(64), 1, END - 60), "p75 of 64 · 22:18–22:19 · 47 %");
  assert.equal(say(seriesWith(3), 1, END + 600), "core 1 · 22:29–22:30 · no sample");
});

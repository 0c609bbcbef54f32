import assert from "node:assert/strict";
import { test } from "node:test";

import { busiestCore, coreRows } from "../../web/static/js/model/cores.js";
import { Series } from "../../web/static/js/model/series.js";
import { emptyHistory, historyOf } from "./world.mjs";

const END = 1_763_936_400;

function seriesWith(rows, cpus) {
  const cores = Array.from({ length: rows }, (_, row) => Array(60).fill(row));
  const count = Array(60).fill(12);
  return new Series(emptyHistory(END), historyOf(END, 60, () => 20, { cores, count, ...(cpus && { cpus }) }));
}

test("each core is a row under its own number", () => {
  const { names, slots } = coreRows(seriesWith(3, [0, 2, 4]), END);

  assert.deepEqual(names, ["0", "2", "4"]);
  assert.equal(slots.length, 60);
  assert.deepEqual(slots[0].values, [0, 1, 2]);
});

test("of more cores than can be told apart the spread is shown", () => {
  const { names, slots } = coreRows(seriesWith(64), END);

  assert.deepEqual(names, ["max", "p75", "p50", "p25", "min"]);
  assert.deepEqual(slots[0].values, [63, 47, 32, 16, 0]);
});

test("without cores there are no rows", () => {
  assert.deepEqual(coreRows(new Series(emptyHistory(END), emptyHistory(END, 60)), END), { names: [], slots: [] });
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

import assert from "node:assert/strict";
import { test } from "node:test";

import { averageStep, gridOf, Scene } from "../../web/static/js/model/scene.js";
import { State } from "../../web/static/js/model/state.js";
import { emptyHistory, historyOf } from "./world.mjs";

const NOW = 1_763_936_400;
const DAY = 86_400;
const boot = {
  host: "box", version: "1", interval: 5, now: NOW, newest: { time: NOW, cpu: 20 }, state: "recording",
  samples: historyOf(NOW, 5, () => 20, { last_id: NOW }), minutes: emptyHistory(NOW, 60),
};

/** A history of any span as the service answers it. */
function spanOfHistory(from, to, step, more = {}) {
  const start = (Math.floor(from / step) + 1) * step;
  const length = Math.floor(to / step) - start / step + 1;
  const column = (value) => Array.from({ length }, () => value);
  return { host: "box", now: NOW, from, to, step, start, last_id: NOW, cpu: column(30), min: column(10), max: column(90), count: column(12), gaps: [], clock_steps: [], ...more };
}

function sceneAt(view) {
  const state = new State(boot, NOW);
  return new Scene(state, view);
}

function loaded(view, more) {
  const scene = sceneAt(view);
  const wanted = scene.request(1000, NOW);
  scene.load(wanted, spanOfHistory(wanted.from, wanted.to, 60, more), spanOfHistory(wanted.from, wanted.to, 900));
  return scene;
}

test("the hour has averages of a minute, longer spans of more, never many", () => {
  const steps = [900, 3600, 21_600, DAY, 7 * DAY, 30 * DAY, 365 * DAY, 3650 * DAY].map(averageStep);

  assert.deepEqual(steps, [60, 60, 300, 900, 7200, 21_600, 604_800, 5_184_000]);
});

test("the stream alone feeds a quarter of an hour and the hour", () => {
  for (const [range, span] of [["15m", 900], ["1h", 3600]]) {
    const scene = sceneAt({ range });
    const frame = scene.frame(NOW);

    assert.equal(scene.request(1000, NOW), null);
    assert.deepEqual([frame.from, frame.to], [NOW - span, NOW]);
    assert.ok(scene.isShown);
  }
});

test("a view that is not here yet is asked for, and then shown", () => {
  const scene = sceneAt({ from: NOW - DAY, to: NOW - 3600 });
  assert.equal(scene.isShown, false);
  assert.deepEqual(scene.request(1000, NOW), { view: scene.view, points: 1000, from: NOW - DAY, to: NOW - 3600 });

  scene.load(scene.request(1000, NOW), spanOfHistory(NOW - DAY, NOW - 3600, 60), spanOfHistory(NOW - DAY, NOW - 3600, 900));

  assert.ok(scene.isShown);
  assert.equal(scene.request(1000, NOW), null);
  assert.equal(scene.series.cpuAt(NOW - 7200), 30);
});

test("while a span is shown the stream moves neither the view nor what is in it", () => {
  const scene = loaded({ from: NOW - 7200, to: NOW });
  const before = [scene.frame(NOW), scene.series.sampleColumns(NOW)];

  for (let time = NOW + 5; time <= NOW + 600; time += 5) scene.state.receive("sample", { time, cpu: 99 }, time);

  const { connection: _, ...frame } = scene.frame(NOW + 600);
  const { connection: __, ...expected } = before[0];
  assert.deepEqual(frame, expected);
  assert.deepEqual(scene.series.sampleColumns(NOW), before[1]);
  assert.equal(scene.request(1000, NOW + 600), null);
});

test("a range that follows the clock is asked for again when a slot is over", () => {
  const scene = loaded({ range: "24h" });
  assert.equal(scene.request(1000, NOW + 59), null);

  const wanted = scene.request(1000, NOW + 60);

  assert.deepEqual([wanted.from, wanted.to], [NOW + 60 - DAY, NOW + 60]);
  assert.deepEqual(scene.frame(NOW + 30).to, NOW + 30);
});

test("the answer to a view that was left is dropped", () => {
  const scene = sceneAt({ range: "24h" });
  const wanted = scene.request(1000, NOW);
  scene.look({ range: "7d" });
  scene.load(wanted, spanOfHistory(NOW - DAY, NOW, 60), spanOfHistory(NOW - DAY, NOW, 900));

  assert.equal(scene.isShown, false);
});

test("until the next picture is here the one before stays, and what it does not show is not called unrecorded", () => {
  const scene = loaded({ from: NOW - 7200, to: NOW });
  scene.look({ from: NOW - DAY, to: NOW });
  const frame = scene.frame(NOW);

  assert.equal(scene.series.cpuAt(NOW - 60), 30);
  assert.deepEqual([frame.from, frame.to, frame.end, frame.beginning], [NOW - DAY, NOW, NOW, NOW - DAY]);
});

test("a gap that reaches beyond the span leaves the others in it", () => {
  const gaps = [{ from: NOW - 7000, to: NOW - 6900, cause: "stopped", cpu: null }, { from: NOW - 4000, to: NOW, cause: "crashed", cpu: null }];
  const scene = loaded({ from: NOW - 7200, to: NOW - 3600 }, { gaps });

  assert.deepEqual(scene.frame(NOW).gaps.map(({ cause }) => cause), ["stopped", "crashed"]);
});

test("all begins where the service says that it does", () => {
  const scene = sceneAt({ range: "all" });
  const body = spanOfHistory(NOW - 9 * DAY, NOW, 900);
  scene.load(scene.request(1000, NOW), body, spanOfHistory(NOW - 9 * DAY, NOW, 10_800));

  assert.equal(scene.frame(NOW).from, NOW - 9 * DAY);
});

test("back in the hour nothing is asked for", () => {
  const scene = loaded({ range: "24h" });
  scene.look({ range: "1h" });

  assert.equal(scene.request(1000, NOW), null);
  assert.equal(scene.series, scene.state.hour);
  assert.equal(scene.state.followed, null);
});

test("the cursor's slots are those that end within the span", () => {
  assert.deepEqual(gridOf({ from: 100, to: 200, gaps: [] }, 60), { first: 120, last: 180, step: 60, gaps: [] });
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { gridOf } from "../../web/static/js/model/scene.js";
import { State } from "../../web/static/js/model/state.js";
import { emptyHistory, historyOf } from "./world.mjs";

const NOW = 1_763_936_400;
const AHEAD = 500;

/** A page whose own clock is AHEAD seconds ahead of the service's. */
function opened(more = {}) {
  const samples = historyOf(NOW, 5, () => 20, { last_id: NOW });
  return new State({ version: "1", interval: 5, now: NOW, samples, minutes: emptyHistory(NOW, 60), newest: { time: NOW, cpu: 20 }, state: "recording", ...more }, NOW + AHEAD);
}

const hello = { version: "1", interval: 5, now: NOW + 10, last_id: NOW, state: "recording" };

test("now is the service's, whatever the browser's clock says", () => {
  const state = opened();
  assert.equal(state.now(NOW + AHEAD + 7), NOW + 7);

  state.receive("beat", { now: NOW + 20 }, NOW + AHEAD + 10);
  assert.equal(state.now(NOW + AHEAD + 11), NOW + 21);
});

test("a live sample sets the clock and a replayed one does not", () => {
  const state = opened();
  state.receive("hello", { ...hello, last_id: NOW + 100, now: NOW + 102 }, NOW);

  state.receive("sample", { time: NOW + 50, cpu: 1 }, NOW);
  assert.equal(state.now(NOW), NOW + 102);

  state.receive("sample", { time: NOW + 105, cpu: 1 }, NOW + 2);
  assert.equal(state.now(NOW + 2), NOW + 105);
});

test("after the service's clock was set back its next sample sets the page's clock", () => {
  const state = opened();
  state.receive("hello", hello, NOW);
  state.receive("resync", { last_id: NOW, reason: "clock" }, NOW);

  state.receive("sample", { time: NOW, cpu: 1 }, NOW + 1);
  assert.equal(state.now(NOW), NOW + 10);

  state.receive("sample", { time: NOW - 900, cpu: 1 }, NOW + 3);
  assert.equal(state.now(NOW + 3), NOW - 900);
  assert.equal(state.lastId, NOW - 900);
});

test("the picture ends at the newest grid time and moves on without samples", () => {
  const state = opened();
  assert.equal(state.end(NOW + AHEAD + 4.9), NOW);
  assert.equal(state.end(NOW + AHEAD + 61), NOW + 60);
});

test("both charts show the hour that ends at the newest grid time", () => {
  const frame = opened().frame(NOW + AHEAD + 61);

  assert.deepEqual([frame.from, frame.to], [NOW + 60 - 3600, NOW + 60]);
});

test("a picture without anything recorded has no beginning", () => {
  const state = opened({ samples: emptyHistory(NOW), newest: null });
  assert.equal(state.frame(NOW + AHEAD).beginning, null);
});

test("a lost stream leaves the end of the picture pending", () => {
  const state = opened();
  state.enter("lost", NOW + AHEAD + 20);
  const { pending, connection } = state.frame(NOW + AHEAD + 61);

  assert.deepEqual([pending, connection], [NOW, "reconnecting"]);
});

test("the cursor rests on a slot within the hour", () => {
  const state = opened();
  const points = [NOW - 12.4, NOW + 90, NOW - 9000, null].map((time) => {
    state.point(time, false, gridOf(state.frame(NOW + AHEAD), 5));
    return state.cursor;
  });

  assert.deepEqual(points, [NOW - 10, NOW, NOW - 3595, null]);
});

test("the stream is resumed after the newest sample", () => {
  const state = opened();
  state.receive("sample", { time: NOW + 5, cpu: 1 }, NOW);
  assert.equal(state.position(NOW + AHEAD + 60), `&after=${NOW + 5}`);
});

test("without any sample the stream is opened without a position", () => {
  const state = opened({ samples: emptyHistory(NOW), newest: null });
  assert.equal(state.position(NOW + AHEAD), "");
  assert.equal(state.wantsHistory, false);
});

test("after 55 minutes away the hour is fetched instead of replayed", () => {
  const state = opened();
  assert.equal(state.position(NOW + AHEAD + 56 * 60), "");
  assert.equal(state.wantsHistory, true);
});

test("what arrives while a history is fetched is merged into it", () => {
  const state = opened();
  state.receive("resync", { last_id: NOW, reason: "clock" }, NOW);
  state.receive("sample", { time: NOW + 5, cpu: 77 }, NOW);

  state.load(state.wish, historyOf(NOW, 5, () => 3), emptyHistory(NOW, 60));

  assert.equal(state.hour.cpuAt(NOW), 3);
  assert.equal(state.hour.cpuAt(NOW + 5), 77);
  assert.equal(state.wantsHistory, false);
});

test("the answer to an older wish is dropped", () => {
  const state = opened();
  state.receive("resync", { last_id: NOW, reason: "clock" }, NOW);
  const older = state.wish;
  state.receive("resync", { last_id: NOW, reason: "clock" }, NOW);

  state.load(older, historyOf(NOW, 5, () => 3), emptyHistory(NOW, 60));

  assert.equal(state.hour.cpuAt(NOW), 20);
  assert.equal(state.wantsHistory, true);
});

test("where intervals met, samples are not stored but fetched at each coarse slot", () => {
  const state = opened({ samples: historyOf(NOW, 15, () => 20, { last_id: NOW }) });
  state.receive("sample", { time: NOW + 5, cpu: 99 }, NOW);
  assert.equal(state.wantsHistory, false);

  state.receive("sample", { time: NOW + 15, cpu: 99 }, NOW);
  assert.equal(state.hour.cpuAt(NOW + 15), null);
  assert.equal(state.wantsHistory, true);
});

test("a service that comes back with another interval is asked for its history", () => {
  const state = opened();
  state.receive("hello", { ...hello, interval: 10 }, NOW);
  assert.equal(state.interval, 10);
  assert.equal(state.wantsHistory, true);
});

test("another version is noticed", () => {
  const state = opened();
  state.receive("hello", { ...hello, version: "2" }, NOW);
  assert.equal(state.upgraded, true);
});

test("the page knows from its first moment, each greeting and each change whether the recording is degraded", () => {
  const state = opened({ state: "degraded: the disk is full" });
  assert.equal(state.degraded, "the disk is full");

  state.receive("hello", hello, NOW);
  assert.equal(state.degraded, null);

  state.receive("state", { state: "degraded: the counters cannot be read" }, NOW);
  assert.equal(state.degraded, "the counters cannot be read");

  state.receive("state", { state: "recording" }, NOW);
  assert.equal(state.degraded, null);
});

test("a gap of a changed clock asks for the history that tells the step, and is kept with it", () => {
  const state = opened();
  state.receive("gap", { from: NOW, to: NOW + 5, cause: "stalled", cpu: 1 }, NOW);
  assert.equal(state.wantsHistory, false);

  state.receive("gap", { from: NOW + 10, to: NOW + 20, cause: "clock", cpu: null }, NOW);
  assert.equal(state.wantsHistory, true);

  state.load(state.wish, historyOf(NOW, 5, () => 3, { clock_steps: [{ time: NOW + 20, seconds: 3600 }] }), emptyHistory(NOW, 60));
  const { gaps, clockSteps } = state.frame(NOW + AHEAD + 30);
  assert.deepEqual(gaps.map(({ cause }) => cause), ["clock"]);
  assert.deepEqual(clockSteps, [{ time: NOW + 20, seconds: 3600 }]);
});

test("a phase keeps the time at which it began", () => {
  const state = opened();
  state.enter("lost", NOW + AHEAD + 5);
  state.enter("lost", NOW + AHEAD + 50);
  assert.equal(state.since, NOW + 5);
});

test("where an open gap says why no sample comes, nothing is pending, and after the stream is lost only from then on", () => {
  const state = opened();
  state.receive("hello", hello, NOW);
  state.enter("open", NOW);
  state.receive("gap", { from: NOW, to: null, cause: "unreadable", cpu: null }, NOW);
  state.receive("state", { state: "degraded: the counters cannot be read" }, NOW);
  const known = state.frame(NOW + 60);
  assert.deepEqual([known.pending, known.gaps[0].to, known.connection], [null, known.to, "stale"]);

  state.receive("beat", { now: NOW + 70 }, NOW + 60);
  state.enter("lost", NOW + 75);
  const { pending, gaps } = state.frame(NOW + 120);
  assert.deepEqual([pending, gaps[0].to], [NOW + 70, NOW + 70]);
});

test("an open gap that comes again with its end is replaced", () => {
  const state = opened();
  state.receive("gap", { from: NOW, to: null, cause: "unreadable", cpu: null }, NOW);
  state.receive("gap", { from: NOW, to: NOW + 15, cause: "unreadable", cpu: 7 }, NOW);
  state.receive("sample", { time: NOW + 20, cpu: null, user: null, system: null, irq: null, cores: null }, NOW);

  const { gaps } = state.frame(NOW + AHEAD + 20);
  assert.deepEqual(gaps, [{ from: NOW, to: NOW + 15, cause: "unreadable", cpu: 7 }]);
});

const BLIND = "degraded: nothing is recorded: the CPU counters stand still";
const openGap = { from: NOW, to: null, cause: "unreadable", cpu: null };

test("when the recording begins to be degraded the history is fetched that tells the gap, and again when it recovers", () => {
  const state = opened();
  state.enter("open", NOW);
  state.receive("hello", hello, NOW);
  assert.equal(state.wantsHistory, false);

  state.receive("state", { state: BLIND }, NOW + 15);
  assert.equal(state.wantsHistory, true);
  state.load(state.wish, historyOf(NOW, 5, () => 20, { gaps: [openGap] }), emptyHistory(NOW, 60));
  assert.deepEqual(state.frame(NOW + 15).gaps.map(({ cause, isOpen }) => [cause, isOpen]), [["unreadable", true]]);

  for (const waiting of [36, 37]) state.receive("state", { state: `${BLIND}; ${waiting} samples wait` }, NOW + 20);
  assert.equal(state.wantsHistory, false);
  state.receive("state", { state: "recording" }, NOW + 25);
  assert.equal(state.wantsHistory, true);
});

test("a page that comes back to a recording which fares otherwise fetches the history", () => {
  const state = opened();
  state.receive("hello", { ...hello, state: BLIND }, NOW);

  assert.equal(state.wantsHistory, true);
});

test("while a degraded recording brings nothing and no gap tells why, the history is fetched once a minute", () => {
  const state = opened({ state: "degraded: the CPU counters cannot be read" });
  state.enter("open", NOW + AHEAD);
  const asked = [];
  for (let passed = 10; passed <= 130; passed += 10) {
    const before = state.wish;
    state.receive("beat", { now: NOW + passed }, NOW + AHEAD + passed);
    if (state.wish > before) asked.push(passed);
  }

  assert.deepEqual(asked, [20, 80]);
});

test("a gap that is told, or a recording that is not degraded, leaves nothing to ask at a beat", () => {
  const told = opened({ state: BLIND, samples: historyOf(NOW, 5, () => 20, { gaps: [openGap], last_id: NOW }) });
  for (const state of [told, opened()]) {
    state.enter("open", NOW + AHEAD);
    for (let passed = 10; passed <= 130; passed += 10) state.receive("beat", { now: NOW + passed }, NOW + AHEAD + passed);

    assert.equal(state.wish, 0);
  }
});

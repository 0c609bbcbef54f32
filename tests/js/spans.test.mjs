import assert from "node:assert/strict";
import { test } from "node:test";

import { Spans } from "../../web/static/js/net/spans.js";

const wanted = (from) => ({ view: { from, to: from + 60 }, points: 1000, from, to: from + 60 });

/** Spans over a service whose answers the test gives, in whatever order. */
function spansOver(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const scene = { failure: null, loaded: [], load: (one) => void scene.loaded.push(one.from) };
  const asked = [];
  const fetchSpan = (one, signal) => new Promise((answer, fail) => asked.push({ from: one.from, signal, answer: () => answer([{}, {}]), fail }));
  const spans = new Spans(scene, fetchSpan, () => undefined);
  const settle = async (milliseconds = 0) => {
    t.mock.timers.tick(milliseconds);
    for (let i = 0; i < 6; i += 1) await Promise.resolve();
  };
  return { spans, scene, asked, settle };
}

test("what is wanted again before the answer is asked for once", async (t) => {
  const { spans, scene, asked, settle } = spansOver(t);
  for (let i = 0; i < 3; i += 1) {
    spans.want(wanted(100), true);
    await settle();
  }
  asked[0].answer();
  await settle();

  assert.equal(asked.length, 1);
  assert.deepEqual(scene.loaded, [100]);
});

test("of two wishes the older is given up, and its late answer is dropped", async (t) => {
  const { spans, scene, asked, settle } = spansOver(t);
  spans.want(wanted(100), true);
  await settle();
  spans.want(wanted(200), true);
  await settle();
  assert.ok(asked[0].signal.aborted);

  asked[1].answer();
  asked[0].answer();
  await settle();
  assert.deepEqual(scene.loaded, [200]);
});

test("while a gesture goes on only where it rests is asked for", async (t) => {
  const { spans, asked, settle } = spansOver(t);
  for (const from of [100, 110, 120]) {
    spans.want(wanted(from), false);
    await settle(50);
  }
  await settle(200);

  assert.deepEqual(asked.map(({ from }) => from), [120]);
});

test("what may pass is asked again after a while, with the reason meanwhile", async (t) => {
  const { spans, scene, asked, settle } = spansOver(t);
  spans.want(wanted(100), true);
  await settle();
  asked[0].fail(Object.assign(new Error("too many"), { status: 503 }));
  await settle();
  assert.deepEqual(scene.failure, { status: 503, reason: "too many" });
  spans.want(wanted(100), true);
  await settle();
  assert.equal(asked.length, 1);

  await settle(5000);
  spans.want(wanted(100), true);
  await settle();
  assert.equal(asked.length, 2);
});

test("what asking does not change is not asked again, another span is", async (t) => {
  const { spans, asked, settle } = spansOver(t);
  spans.want(wanted(100), true);
  await settle();
  asked[0].fail(Object.assign(new Error("signed out"), { status: 401 }));
  await settle(60_000);
  spans.want(wanted(100), true);
  await settle();
  assert.equal(asked.length, 1);

  spans.want(wanted(200), true);
  await settle();
  assert.equal(asked.length, 2);
});

test("when nothing is missing any more what was asked for is given up", async (t) => {
  const { spans, asked, settle } = spansOver(t);
  spans.want(wanted(100), true);
  await settle();
  spans.want(null, true);

  assert.ok(asked[0].signal.aborted);
  assert.equal(spans.isBusy, false);
});

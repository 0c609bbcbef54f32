import assert from "node:assert/strict";
import { test } from "node:test";

import { gapNear, toldGaps } from "../../web/static/js/model/gaps.js";

const gap = (from, to, more = {}) => ({ from, to, cause: "stopped", cpu: null, ...more });

test("the nearest gap is meant, and none that is far", () => {
  const gaps = [gap(100, 110), gap(118, 200)];

  assert.equal(gapNear(gaps, 105, 5), gaps[0]);
  assert.equal(gapNear(gaps, 113, 5), gaps[0]);
  assert.equal(gapNear(gaps, 116, 6), gaps[1]);
  assert.equal(gapNear(gaps, 300, 5), null);
});

test("of several that are told as one none is meant: between them something was recorded", () => {
  assert.equal(gapNear([gap(100, 5000, { count: 40, seconds: 300 })], 2000, 5), null);
});

test("whatever can be pointed at is told, but not without end", () => {
  const gaps = Array.from({ length: 300 }, (_, i) => gap(i * 100, i * 100 + 1 + (i % 50)));

  const [told, further] = toldGaps(gaps, 40);
  assert.equal(told.length, 66);
  assert.ok(told.every(({ from, to }) => to - from >= 40));
  assert.equal(further.length, 234);
  assert.equal(toldGaps(gaps, 1)[0].length, 100);
  assert.equal(toldGaps(gaps, 1000)[0].length, 12);
});

test("a few are told as they came", () => {
  const gaps = [gap(0, 1), gap(5, 50)];

  assert.deepEqual(toldGaps(gaps, 10), [gaps, []]);
});

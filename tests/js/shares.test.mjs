import assert from "node:assert/strict";
import { test } from "node:test";

import { culpritText, parseCulprit } from "../../web/static/js/model/culprit.js";
import { Shares } from "../../web/static/js/model/shares.js";
import { sparkPath } from "../../web/static/js/model/spark.js";
import { chance } from "./world.mjs";

const STEP = 60;

/** What the service answers of the averages in (from, to]: `a` took as many percent as the minute says. */
function answer(from, to) {
  const times = Array.from({ length: (to - from) / STEP }, (_, i) => from + (i + 1) * STEP);
  return {
    start: from + STEP,
    step: STEP,
    top: {
      units: { names: [{ name: "a", unit: "a" }], shares: times.map((time) => (time % 300 === 0 ? null : [[0, (time / STEP) % 100]])) },
      processes: { names: [{ name: "a", unit: "a", pid: 7 }], shares: times.map(() => [[0, 1]]) },
    },
  };
}

test("whom the address names is a unit or one process, whatever it is called, or nobody", () => {
  for (const name of ["nginx.service", "/", "a:b", "process:1:a", "<img>", "строка\nдве"]) {
    for (const culprit of [{ by: "unit", name }, { by: "process", pid: 4121, name }]) {
      assert.deepEqual(parseCulprit(culpritText(culprit)), culprit);
    }
  }
  assert.deepEqual(["", "unit:", "process:x:a", "process:a", "nginx", "process:1:"].map(parseCulprit), Array(6).fill(null));
});

test("the share of a name is told average by average, and nothing where nothing was read", () => {
  const shares = new Shares();
  shares.load(answer(0, 600));

  assert.deepEqual(shares.of("unit:a", { from: 120, to: 300 }), [
    { time: 180, share: 3 }, { time: 240, share: 4 }, { time: 300, share: null },
  ]);
  assert.deepEqual([shares.at("process:7:a", 300), shares.at("process:8:a", 300), shares.at("unit:a", 660)], [1, null, null]);
});

test("until its own averages come, a year has those of the hour before, and not its half a million minutes", () => {
  const shares = new Shares();
  shares.load(answer(0, 600));

  assert.deepEqual(shares.of("unit:a", { from: 0, to: 31_536_000 }), shares.of("unit:a", { from: 0, to: 600 }));
  assert.deepEqual(shares.of("unit:a", { from: 31_536_000, to: 63_072_000 }), []);
});

test("before the first answer there is nothing to draw", () => {
  assert.deepEqual(new Shares().of("unit:a", { from: 0, to: 600 }), []);
});

test("of what follows the clock only the newest averages are asked for again, of another span all", () => {
  const shares = new Shares();
  assert.deepEqual(shares.missing({ from: 5, to: 605 }, STEP), { from: 0, to: 660, step: STEP });
  shares.load(answer(0, 600));

  assert.deepEqual(shares.missing({ from: 65, to: 665 }, STEP), { from: 480, to: 720, step: STEP });
  assert.deepEqual(shares.missing({ from: 0, to: 300 }, STEP), { from: 0, to: 300, step: STEP });
  assert.deepEqual(shares.missing({ from: 900, to: 1500 }, STEP), { from: 900, to: 1500, step: STEP });
  assert.deepEqual(shares.missing({ from: 0, to: 600 }, 120), { from: 0, to: 600, step: 120 });
});

test("asked for bit by bit they are what they would be at once, however long the page stays open", () => {
  const random = chance(11);
  const shares = new Shares();
  let now = 3600;
  for (let i = 0; i < 1000; i += 1) {
    const { from, to } = shares.missing({ from: now - 3600, to: now }, STEP);
    const last = Math.floor(now / STEP) * STEP;
    shares.load(answer(from, Math.min(to, last)));
    const whole = new Shares();
    whole.load(answer(Math.floor((now - 3600) / STEP) * STEP, last));
    const span = { from: now - 3600, to: now };
    assert.deepEqual(shares.of("unit:a", span), whole.of("unit:a", span));
    now += 5 + Math.floor(random() * 200);
  }
});

test("a small line is an area for each average that has a share, within its picture", () => {
  const portions = [{ time: 60, share: 50 }, { time: 120, share: null }, { time: 180, share: 100 }];

  assert.equal(sparkPath(portions, 60, { from: 30, to: 180 }, 100), "M0 20V10H20V20ZM60 20V0H100V20Z");
  assert.equal(sparkPath([], 0, { from: 0, to: 60 }, 1), "");
});

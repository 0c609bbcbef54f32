import assert from "node:assert/strict";
import { test } from "node:test";

import { Latest } from "../../web/static/js/net/latest.js";

const SPAN = { from: 100, to: 200 };

/** Wishes over a service that answers as it is told; what was asked for and what came. */
function latestOver(answer, t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  const came = [];
  const latest = new Latest(
    (wish) => {
      asked.push(wish);
      return answer();
    },
    (answer) => came.push(answer),
  );
  /** Lets the wish rest and its answer come. */
  const rest = async (milliseconds = 300) => {
    t.mock.timers.tick(milliseconds);
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
  };
  return { latest, asked, came, rest };
}

test("only a view that rests is asked about, and once", async (t) => {
  const { latest, asked, came, rest } = latestOver(async () => ({ mean: 3 }), t);
  latest.want("one", { from: 0, to: 1 });
  latest.want("two", SPAN);
  latest.want("two", SPAN);
  await rest();
  latest.want("two", SPAN);
  await rest();

  assert.deepEqual(asked, [SPAN]);
  assert.deepEqual(came, [{ mean: 3 }]);
});

test("a service that does not offer it is not asked again", async (t) => {
  const { latest, asked, came, rest } = latestOver(() => Promise.reject({ status: 404 }), t);
  for (const name of ["one", "two"]) {
    latest.want(name, SPAN);
    await rest();
  }

  assert.deepEqual([asked.length, came], [1, [null]]);
});

test("a service that cannot answer now is asked again after a while", async (t) => {
  const { latest, asked, rest } = latestOver(() => Promise.reject({ status: 503 }), t);
  latest.want("one", SPAN);
  await rest();
  latest.want("one", SPAN);
  await rest();
  assert.equal(asked.length, 1);

  await rest(5000);
  latest.want("one", SPAN);
  await rest();
  assert.equal(asked.length, 2);
});

test("what is not wanted any more is not asked for, and is asked for anew when it is wanted again", async (t) => {
  const { latest, asked, came, rest } = latestOver(async () => ({ mean: 3 }), t);
  latest.want("one", SPAN);
  latest.drop();
  await rest();
  assert.deepEqual([asked, came], [[], []]);

  latest.want("one", SPAN);
  await rest();
  assert.deepEqual(came, [{ mean: 3 }]);
});

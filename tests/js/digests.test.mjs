import assert from "node:assert/strict";
import { test } from "node:test";

import { Digests } from "../../web/static/js/net/digests.js";

const SPAN = { from: 100, to: 200 };

/** Digests over a service that answers as it is told; what was asked for and what came. */
function digestsOver(answer, t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  const came = [];
  const digests = new Digests(
    (span) => {
      asked.push(span);
      return answer();
    },
    (digest) => came.push(digest),
  );
  /** Lets the wish rest and its answer come. */
  const rest = async (milliseconds = 300) => {
    t.mock.timers.tick(milliseconds);
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
  };
  return { digests, asked, came, rest };
}

test("only a view that rests is asked about, and once", async (t) => {
  const { digests, asked, came, rest } = digestsOver(async () => ({ mean: 3 }), t);
  digests.want("one", { from: 0, to: 1 });
  digests.want("two", SPAN);
  digests.want("two", SPAN);
  await rest();
  digests.want("two", SPAN);
  await rest();

  assert.deepEqual(asked, [SPAN]);
  assert.deepEqual(came, [{ mean: 3 }]);
});

test("a service that does not offer it is not asked again", async (t) => {
  const { digests, asked, came, rest } = digestsOver(() => Promise.reject({ status: 404 }), t);
  for (const name of ["one", "two"]) {
    digests.want(name, SPAN);
    await rest();
  }

  assert.deepEqual([asked.length, came], [1, [null]]);
});

test("a service that cannot answer now is asked again after a while", async (t) => {
  const { digests, asked, rest } = digestsOver(() => Promise.reject({ status: 503 }), t);
  digests.want("one", SPAN);
  await rest();
  digests.want("one", SPAN);
  await rest();
  assert.equal(asked.length, 1);

  await rest(5000);
  digests.want("one", SPAN);
  await rest();
  assert.equal(asked.length, 2);
});

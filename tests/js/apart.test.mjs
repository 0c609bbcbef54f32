import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { apart } from "../../web/static/js/model/apart.js";

test("a part that throws does not stop the others, and what it threw is still reported", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const done = [];
  const parts = [() => done.push(1), () => { throw new RangeError("no such zone"); }, () => done.push(3)];

  parts.forEach(apart);

  assert.deepEqual(done, [1, 3]);
  assert.throws(() => mock.timers.tick(1), /no such zone/);
  mock.timers.reset();
});

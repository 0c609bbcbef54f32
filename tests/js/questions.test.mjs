import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Questions } from "../../web/static/js/net/questions.js";

let state;
/** What to do with each question that was asked. @type {PromiseWithResolvers<unknown>[]} */
let asked;
let loaded;
let questions;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  [asked, loaded] = [[], []];
  state = { wish: 1, wantsHistory: true, phase: "open", load: (...answer) => loaded.push(answer) };
  const ask = () => new Promise((resolve, reject) => asked.push({ resolve, reject }));
  questions = new Questions(state, ask, () => {});
});

afterEach(() => mock.timers.reset());

const settle = async () => {
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
};

test("a wish is asked for once, and its answer is handed on with it", async () => {
  questions.look();
  questions.look();
  asked[0].resolve(["samples", "minutes"]);
  await settle();

  assert.equal(asked.length, 1);
  assert.deepEqual(loaded, [[1, "samples", "minutes"]]);
});

test("of many wishes in a moment the first is asked for at once and the last after a pause", () => {
  for (state.wish = 1; state.wish < 20; state.wish += 1) questions.look();
  mock.timers.tick(4999);
  assert.equal(asked.length, 1);

  mock.timers.tick(1);
  mock.timers.tick(60_000);
  assert.equal(asked.length, 2);
});

test("without a wish, or without a stream, nothing is asked", () => {
  state.wantsHistory = false;
  questions.look();
  Object.assign(state, { wantsHistory: true, phase: "lost" });
  questions.look();

  assert.equal(asked.length, 0);
});

test("what was not answered is asked again after 5 s", async () => {
  questions.look();
  asked[0].reject(new Error("503"));
  await settle();
  mock.timers.tick(4999);
  assert.equal(asked.length, 1);

  mock.timers.tick(1);
  assert.equal(asked.length, 2);
});

test("a question that was answered by an error late is asked again at once, and then no sooner than after a pause", async () => {
  questions.look();
  mock.timers.tick(20_000);
  for (let i = 0; i < 2; i += 1) {
    asked[i].reject(new Error("503"));
    await settle();
  }

  assert.equal(asked.length, 2);
});

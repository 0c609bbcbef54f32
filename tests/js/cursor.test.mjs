import assert from "node:assert/strict";
import { test } from "node:test";

import { moveCursor } from "../../web/static/js/model/cursor.js";

const gaps = [{ from: 100, to: 150 }, { from: 300, to: 320 }];
const grid = { first: 5, last: 600, step: 5, gaps };
const press = (key, at, shiftKey = false) => moveCursor({ key, shiftKey }, at, grid);

test("arrows move one slot and pages twelve, never out of the hour", () => {
  assert.equal(press("ArrowLeft", 200), 195);
  assert.equal(press("ArrowRight", 600), 600);
  assert.equal(press("PageUp", 200), 140);
  assert.equal(press("PageDown", 200), 260);
  assert.equal(press("PageUp", 10), 5);
});

test("the first arrow starts at the newest slot", () => {
  assert.equal(press("ArrowLeft", null), 600);
});

test("Home and End are the ends of the hour", () => {
  assert.equal(press("Home", 200), 5);
  assert.equal(press("End", 200), 600);
});

test("G goes to the next gap and with Shift to the one before", () => {
  assert.equal(press("g", null), 105);
  assert.equal(press("g", 105), 305);
  assert.equal(press("G", 305, true), 105);
  assert.equal(press("g", 400), 400);
});

test("other keys are left to the browser", () => {
  assert.equal(press("Tab", 200), null);
});

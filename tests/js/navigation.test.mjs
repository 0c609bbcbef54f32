import assert from "node:assert/strict";
import { test } from "node:test";

import { Navigation } from "../../web/static/js/model/navigation.js";
import { spanOf } from "../../web/static/js/model/view.js";

const NOW = 1_763_936_400;

/** A page of which only the view is there, and the browser's list of those before. */
function pageWith(view, depth = 0) {
  const page = { view, steps: [], returns: 0 };
  const go = new Navigation({
    span: () => spanOf(page.view, NOW, null),
    now: () => NOW,
    view: () => page.view,
    look(next, how) {
      page.view = next;
      page.steps.push(how);
    },
    depth: () => depth,
    back: () => (page.returns += 1),
  });
  return { page, go };
}

test("zooming out and in of a range that follows the clock goes along the ranges", () => {
  const { page, go } = pageWith({ range: "1h" });
  go.scale(2);
  assert.deepEqual(page.view, { range: "6h" });

  go.scale(0.5);
  go.scale(0.5);
  assert.deepEqual(page.view, { range: "15m" });
});

test("zooming in on a time keeps it where it is", () => {
  const { page, go } = pageWith({ range: "1h" });
  go.scale(0.5, NOW - 1800);

  assert.deepEqual(page.view, { from: NOW - 2700, to: NOW - 900 });
});

test("keys that follow each other are one step back", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { page, go } = pageWith({ from: NOW - 7200, to: NOW - 3600 });
  go.pan(-0.25);
  go.pan(-0.25);
  t.mock.timers.tick(1000);
  go.pan(-0.25);

  assert.deepEqual(page.steps, ["push", "replace", "push"]);
  assert.deepEqual(page.view, { from: NOW - 9900, to: NOW - 6300 });
});

test("fingers move the view for as long as they do, and leave one step", () => {
  const { page, go } = pageWith({ range: "1h" });
  go.pinch([NOW - 3000, NOW - 1000], [0.4, 0.6]);
  go.pinch([NOW - 3000, NOW - 1000], [0.25, 0.75]);
  go.settle();

  assert.deepEqual(page.steps, ["move", "move", "push"]);
  assert.deepEqual(page.view, { from: NOW - 4000, to: NOW });
});

test("back is the browser's own where the page came from another view", () => {
  const { page, go } = pageWith({ from: NOW - 60, to: NOW }, 2);
  go.back();

  assert.deepEqual([page.returns, page.steps], [1, []]);
});

test("of a page that was opened with a view back shows more around it, and the hour from any range", () => {
  const { page, go } = pageWith({ from: NOW - 7200, to: NOW - 3600 });
  go.back();
  assert.deepEqual(page.view, { from: NOW - 14_400, to: NOW });

  const other = pageWith({ range: "7d" });
  other.go.back();
  other.go.back();
  assert.deepEqual([other.page.view, other.page.steps.length], [{ range: "1h" }, 1]);
});

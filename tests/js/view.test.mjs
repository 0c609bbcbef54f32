import assert from "node:assert/strict";
import { test } from "node:test";

import { around, clamped, panned, parseView, pinched, RANGES, scaled, spanOf, viewQuery } from "../../web/static/js/model/view.js";
import { chance } from "./world.mjs";

const NOW = 1_763_936_400;

test("every view has an address that leads back to it", () => {
  const views = [...Object.keys(RANGES).map((range) => ({ range })), { from: NOW - 60, to: NOW }];
  for (const view of views) assert.deepEqual(parseView(`?${viewQuery(view)}`), view);
});

test("a span may be written in ISO 8601, in UTC unless it names a zone", () => {
  const span = { from: NOW, to: NOW + 3600 };
  const searches = [
    "?from=2025-11-23T22:20&to=2025-11-23T23:20:00.5Z", "?from=2025-11-24T00:20:00+02:00&to=2025-11-23%2023:20", `?from=${NOW}&to=2025-11-23T19:20-04:00`,
  ];
  for (const search of searches) assert.deepEqual(parseView(search), span, search);
  assert.deepEqual(parseView("?from=2025-11-23&to=2025-11-24"), { from: NOW - NOW % 86_400, to: NOW - NOW % 86_400 + 86_400 });
  assert.deepEqual(parseView("?from=2025-13-01&to=2025-11-24"), { range: "1h" });
});

test("what is not understood is the hour", () => {
  const searches = ["", "?range=2h", "?range=toString", "?from=5", "?from=9&to=3", "?from=-1&to=9", "?from=1e3&to=9000", "?lang=ru"];
  for (const search of searches) assert.deepEqual(parseView(search), { range: "1h" }, search);
});

test("a range follows the clock, all begins with the first sample, a span stays", () => {
  assert.deepEqual(spanOf({ range: "24h" }, NOW, null), { from: NOW - 86_400, to: NOW });
  assert.deepEqual(spanOf({ range: "all" }, NOW, NOW - 5000), { from: NOW - 5000, to: NOW });
  assert.deepEqual(spanOf({ from: NOW - 900, to: NOW - 600 }, NOW, null), { from: NOW - 900, to: NOW - 600 });
});

test("of a span that reaches into the future only what is over is shown, and one that lies there whole is moved back", () => {
  assert.deepEqual(spanOf({ from: NOW - 900, to: NOW + 600 }, NOW, null), { from: NOW - 900, to: NOW });
  assert.deepEqual(spanOf({ from: NOW + 900, to: NOW + 1500 }, NOW, null), { from: NOW - 600, to: NOW });
});

test("panning keeps the width and stops at now", () => {
  assert.deepEqual(panned({ from: NOW - 7200, to: NOW - 3600 }, -1, NOW), { from: NOW - 10_800, to: NOW - 7200 });
  assert.deepEqual(panned({ from: NOW - 7200, to: NOW - 3600 }, 5, NOW), { from: NOW - 3600, to: NOW });
});

test("scaling leaves what is at its time where it was", () => {
  const before = { from: NOW - 40_000, to: NOW - 20_000 };
  const { from, to } = scaled(before, 0.5, NOW - 25_000, NOW);

  assert.equal(to - from, 10_000);
  assert.equal((NOW - 25_000 - from) / (to - from), 0.75);
});

test("what two fingers took hold of stays under them", () => {
  const span = pinched([NOW - 8000, NOW - 6000], [0.25, 0.75], NOW);

  assert.deepEqual(span, { from: NOW - 9000, to: NOW - 5000 });
  assert.equal(pinched([NOW - 6000, NOW - 8000], [0.25, 0.75], NOW), null);
});

test("no gesture leads to a span that cannot be shown", () => {
  const random = chance(5);
  let span = { from: NOW - 3600, to: NOW };
  for (let i = 0; i < 2000; i += 1) {
    const { from, to } = span;
    const at = from + random() * (to - from);
    span = random() < 0.5 ? panned(span, random() * 4 - 2, NOW) : scaled(span, 0.2 + random() * 5, at, NOW);

    assert.ok(Number.isInteger(span.from) && Number.isInteger(span.to), JSON.stringify(span));
    assert.ok(span.to <= NOW && span.to - span.from >= 60 && span.from < span.to);
  }
});

test("a span is at least a minute and whole seconds", () => {
  assert.deepEqual(clamped({ from: NOW - 110.4, to: NOW - 100 }, NOW), { from: NOW - 135, to: NOW - 75 });
});

test("around a stretch its own length is shown once more, and ten minutes at least", () => {
  assert.deepEqual(around({ from: NOW - 7200, to: NOW - 3600 }), { from: NOW - 9000, to: NOW - 1800 });
  assert.deepEqual(around({ from: NOW - 3605, to: NOW - 3600 }), { from: NOW - 3903, to: NOW - 3302 });
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { Hold, reasons, shownView, wantedTop, wishName } from "../../web/static/js/model/who.js";
import { createFormat, createWords } from "../../web/static/js/text/language.js";
import { cpuTime, remainders, seenSentence, shortName, topTitle, whereabouts } from "../../web/static/js/text/who.js";

const texts = {
  unit_h: "h", unit_min: "min", unit_s: "s",
  who_root: "in no service", who_span: "{span}: {busy}", who_seen: "seen {span}", who_started: "since {time}",
};
const words = createWords(texts, "en");
const language = { words, format: createFormat("en-GB", "UTC", words) };
const naming = (more = {}) => ({ top: "all", sight: "clear", flags: null, every: 5, error: null, shown: true, ...more });
const HOUR = { from: 0, to: 3600 };

test("asked is about the moment under the cursor, and else about all that is shown", () => {
  assert.deepEqual(wantedTop(null, 5, HOUR, "unit"), { ...HOUR, by: "unit", wider: null });
  assert.deepEqual(wantedTop(1800, 900, HOUR, "process"), { from: 900, to: 1800, by: "process", wider: null });
});

test("around a moment of seconds lies a minute on either side, in which something was read, but not the future", () => {
  assert.deepEqual(wantedTop(600, 5, HOUR, "unit"), { from: 595, to: 600, by: "unit", wider: { from: 540, to: 660 } });
  assert.deepEqual(wantedTop(3595, 5, HOUR, "unit").wider, { from: 3535, to: 3600 });
});

test("what follows the clock is asked about once a minute, a span and a moment once", () => {
  const name = (to, view, cursor = null) => wishName(wantedTop(cursor, 5, { from: to - 3600, to }, "unit"), view, cursor);

  assert.equal(name(3600, { range: "1h" }), name(3655, { range: "1h" }));
  assert.notEqual(name(3600, { range: "1h" }), name(3660, { range: "1h" }));
  assert.equal(name(3600, HOUR), name(3660, HOUR));
  const year = (to) => wishName(wantedTop(null, 21_600, { from: to - 31_536_000, to }, "unit"), { range: "1y" }, null);
  assert.equal(year(31_536_000), year(31_536_000 + 3600));
  assert.equal(name(3600, { range: "1h" }, 600), name(3660, { range: "1h" }, 600));
  assert.notEqual(name(3600, HOUR, 600), name(3600, HOUR, 605));
});

test("the list of a moment stays while the pointer is on its way to it and in it, and no longer", () => {
  const hold = new Hold();
  assert.equal(hold.keeps(null, true, 0), false);
  assert.equal(hold.keeps(600, false, 10), false);

  assert.equal(hold.keeps(null, false, 11), true);
  assert.equal(hold.keeps(null, true, 100), true);
  assert.equal(hold.keeps(null, false, 101), false);
  assert.equal(hold.keeps(null, true, 102), false);
});

test("units are shown where they can be seen and nothing else was chosen", () => {
  assert.equal(shownView("", naming()), "unit");
  assert.equal(shownView("", naming({ sight: "no units" })), "process");
  assert.equal(shownView("unit", naming({ sight: "no units" })), "unit");
  assert.equal(shownView("nobody", naming()), "unit");
});

test("it is said why names are missing, for the view that lacks them", () => {
  assert.deepEqual(reasons(naming(), "process", 5), []);
  assert.deepEqual(reasons(naming({ top: "off", every: null }), "unit", 5), ["who_off"]);
  assert.deepEqual(reasons(naming({ sight: "blind", every: null }), "process", 5), ["who_unseen"]);
  assert.deepEqual(reasons(naming({ top: "units" }), "unit", 5), []);
  assert.deepEqual(reasons(naming({ top: "units", sight: "hidden" }), "process", 5), ["who_off"]);
  for (const [sight, by, key] of [["no units", "unit", "unseen"], ["no processes", "process", "unseen"], ["hidden", "process", "hidden"]]) {
    assert.deepEqual(reasons(naming({ sight }), by, 5), [`who_${key}`]);
    assert.deepEqual(reasons(naming({ sight }), by === "unit" ? "process" : "unit", 5), []);
  }
});

test("it is said that intervals are doubled, and that a reading failed, but not that a service samples seldom", () => {
  assert.deepEqual(reasons(naming({ every: 10, error: "OSError" }), "unit", 5), ["who_error", "who_every"]);
  assert.deepEqual(reasons(naming({ every: 60 }), "unit", 60), []);
  assert.deepEqual(reasons(naming(), "unit", 1), []);
});

test("names are as short as they still say who", () => {
  const short = (name) => shortName(name, words);

  assert.deepEqual(["nginx.service", "app-a\\x2db.scope", "user.slice", ".service", "/"].map(short), [
    "nginx", "app-a-b.scope", "user.slice", ".service", "in no service",
  ]);
  assert.equal(whereabouts({ pid: 7, unit: "nginx.service" }, words), "7 · nginx");
  assert.equal(whereabouts({ pid: 7, unit: "/" }, words), "7");
  assert.equal(whereabouts({ unit: "nginx.service" }, words), "");
});

test("CPU time, the span and since when somebody runs are told", () => {
  assert.deepEqual([0.04, 4.25, 640.1, 7322].map((seconds) => cpuTime(seconds, language)), ["0\u00a0s", "4.3\u00a0s", "10\u00a0min\u00a040\u00a0s", "2\u00a0h\u00a02\u00a0min"]);
  assert.equal(topTitle({ from: 0, to: 600, busy_s: 30 }, language), "00:00–00:10: 30\u00a0s");
  assert.equal(seenSentence({ first: 300, last: 600 }, language), "seen 00:05–00:10");
  assert.equal(seenSentence({ started: 60, first: 300, last: 600 }, language), "since 00:01; seen 00:05–00:10");
});

test("what stands in no name is told as far as there is any", () => {
  const rest = remainders({ other_s: 1.5, exited_s: 0, unattributed_s: 0.04, excess_s: 20 }, language);

  assert.deepEqual(rest, [{ name: "other", text: "1.5\u00a0s" }, { name: "excess", text: "20\u00a0s" }]);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { chosen, cpuAt, distance, offered, wantedEarlier } from "../../web/static/js/model/earlier.js";
import { createFormat, createWords } from "../../web/static/js/text/language.js";
import { chance, plainTexts } from "./world.mjs";

const [HOUR, DAY] = [3600, 86_400];
const utc = (...parts) => Date.UTC(...parts) / 1000;
const offsetIn = (zone) => createFormat("en-GB", zone, createWords(plainTexts, "en")).offset;

test("up to a day the day and the week before are offered, up to a week the week, and else what was just before", () => {
  const view = { from: 0, to: 1 };

  assert.deepEqual([HOUR, DAY, DAY + HOUR].map((width) => offered(view, width)), Array(3).fill(["day", "week"]));
  assert.deepEqual(offered(view, 7 * DAY), ["week"]);
  assert.deepEqual(offered(view, 30 * DAY), ["span"]);
  assert.deepEqual(offered({ range: "all" }, 30 * DAY), []);
});

test("a wish for which a span is too long gives way to what is offered, and comes back", () => {
  const inADay = (wish) => chosen(wish, ["day", "week"]);
  const inAMonth = (wish) => chosen(wish, ["span"]);

  assert.deepEqual(["day", "week", "span", "", "never"].map(inADay), ["day", "week", "week", null, null]);
  assert.deepEqual(["day", "week", "span", "", "never"].map(inAMonth), ["span", "span", "span", null, null]);
  assert.equal(chosen("day", []), null);
});

test("the day and the week before show the same time on the wall, whatever the clocks did meanwhile", () => {
  const berlin = offsetIn("Europe/Berlin");
  const at = (...parts) => ({ from: utc(...parts) - HOUR, to: utc(...parts) });

  // The clocks were set forward at 01:00 UTC of the 29th of March, and back at 01:00 UTC of the 25th of October.
  assert.equal(distance("day", at(2026, 2, 29, 10), berlin), 23 * HOUR);
  assert.equal(distance("day", at(2026, 9, 25, 10), berlin), 25 * HOUR);
  assert.equal(distance("week", at(2026, 9, 27, 10), berlin), 7 * DAY + HOUR);
  assert.equal(distance("day", at(2026, 6, 1, 10), berlin), DAY);
  assert.equal(distance("span", at(2026, 9, 25, 10), berlin), HOUR);
  // Lord Howe sets its clocks by half an hour.
  assert.equal(distance("day", at(2026, 9, 4, 10), offsetIn("Australia/Lord_Howe")), 23.5 * HOUR);
});

test("what is fetched covers the picture, is seldom another, and asks for as fine a step", () => {
  const random = chance(7);
  for (let i = 0; i < 200; i += 1) {
    const step = [1, 5, 60, 900][Math.floor(random() * 4)];
    const from = Math.floor(random() * 1e9);
    const span = { from, to: from + step * Math.ceil(random() * 1400) };
    const wanted = wantedEarlier(span, DAY, step);

    assert.ok(wanted.from <= span.from - DAY && wanted.to >= span.to - DAY);
    assert.ok(wanted.to - wanted.from <= 2 * (span.to - span.from) + 2 * step);
    assert.equal(wanted.points, (wanted.to - wanted.from) / step);
  }
  const hour = { from: 600, to: 4200 };
  assert.deepEqual(wantedEarlier({ from: 605, to: 4205 }, DAY, 5), wantedEarlier({ from: 1195, to: 4795 }, DAY, 5));
  assert.ok(wantedEarlier(hour, DAY, 1).points <= 5000);
});

test("a time has the value of the element that covers it", () => {
  const body = { start: 60, step: 60, cpu: [10, null, 30] };

  assert.deepEqual([0, 1, 60, 61, 121, 180, 181].map((time) => cpuAt(body, time)), [null, 10, 10, null, 30, 30, null]);
});

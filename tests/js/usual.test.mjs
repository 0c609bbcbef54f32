import assert from "node:assert/strict";
import { test } from "node:test";

import { remembered, Usual, wantedUsual } from "../../web/static/js/model/usual.js";
import { createOffset } from "../../web/static/js/text/language.js";
import { chance } from "./world.mjs";

const [QUARTER, HOUR, DAY, WEEK] = [900, 3600, 86_400, 604_800];
const utc = (...parts) => Date.UTC(...parts) / 1000;
/** A Friday. */
const FRIDAY = utc(2026, 10, 27, 8);

/** Quarter-hours of the weeks before a time; `cpuOf` knows the beginning of each. */
function quarterHours(end, weeks, cpuOf) {
  const start = end - weeks * WEEK + QUARTER;
  const length = (weeks * WEEK) / QUARTER;
  return { start, step: QUARTER, cpu: Array.from({ length }, (_, i) => cpuOf(start + (i - 1) * QUARTER)) };
}

/** @param {string} zone @param {ReturnType<typeof quarterHours>} body */
const usualIn = (zone, body) => new Usual(body, createOffset(zone));

/** What the hour of a body says where each quarter-hour is told by the week before `end` that it lies in. */
const byWeek = (values) => usualIn("UTC", quarterHours(FRIDAY, 6, (begin) => values[Math.ceil((FRIDAY - begin) / WEEK) - 1] ?? null));

test("usual is where the middle eight tenths of the quarter-hours of the last four weeks lay", () => {
  let i = 0;
  const quarters = quarterHours(FRIDAY, 4, (begin) => ((FRIDAY - begin) % WEEK > WEEK - HOUR || (FRIDAY - begin) % WEEK === 0 ? (i += 1) : 90));

  const { low, high, from, to } = usualIn("UTC", quarters).at(FRIDAY + 600);

  assert.deepEqual({ low, high, from, to }, { low: 2, high: 15, from: FRIDAY, to: FRIDAY + HOUR });
});

test("weeks without data are passed over for older ones, and more than four are not looked at", () => {
  const { low, high } = byWeek([10, null, 20, null, 30, 40]).at(FRIDAY);
  assert.deepEqual([low, high], [10, 40]);

  const newest = byWeek([10, 11, 12, 13, 90, 90]).at(FRIDAY);
  assert.deepEqual([newest.low, newest.high], [10, 13]);
});

test("fewer than two weeks tell nothing", () => {
  const one = byWeek([10, null, null]);
  assert.deepEqual([one.at(FRIDAY), one.hours({ from: FRIDAY, to: FRIDAY + HOUR }), one.isKnown], [null, [], false]);

  const two = byWeek([10, 20]);
  assert.deepEqual([two.at(FRIDAY).low, two.at(FRIDAY).high, two.isKnown], [10, 20, true]);
});

test("an hour of the past is told by the weeks before it, not by its own", () => {
  const body = quarterHours(FRIDAY + HOUR, 3, (begin) => (begin >= FRIDAY ? 100 : 5));

  assert.equal(usualIn("UTC", body).at(FRIDAY).high, 5);
});

test("hours are those of the machine's wall, in zones that are off by half and quarter hours as well", () => {
  for (const [zone, minutes] of [["Asia/Kolkata", 30], ["Asia/Kathmandu", 15]]) {
    const { from, to } = usualIn(zone, quarterHours(FRIDAY, 4, () => 5)).at(FRIDAY);

    assert.equal(to - from, HOUR);
    assert.equal(from % HOUR, minutes * 60, zone);
  }
});

test("on either side of a change of the clocks an hour has its habits from the same hour on the wall", () => {
  const offset = createOffset("Europe/Berlin");
  // Busy from nine to ten in the morning, on the wall.
  const cpuOf = (begin) => (Math.floor((begin + offset(begin)) / HOUR) % 24 === 9 ? 80 : 5);
  for (const [day, ninth] of [[utc(2026, 2, 29), 7], [utc(2026, 9, 25), 8]]) {
    const usual = usualIn("Europe/Berlin", quarterHours(day + DAY, 6, cpuOf));

    const busy = usual.hours({ from: day, to: day + DAY }).filter(({ low }) => low === 80);
    assert.deepEqual(busy.map(({ from }) => from), [day + ninth * HOUR]);
  }
});

test("the day on which the clocks change has hours without a hole or an overlap", () => {
  for (const [zone, from, hours] of [
    ["Europe/Berlin", utc(2026, 2, 28, 23), 23], ["Europe/Berlin", utc(2026, 9, 24, 22), 25],
    ["Australia/Lord_Howe", utc(2026, 9, 3, 13, 30), 23.5], ["Australia/Lord_Howe", utc(2026, 3, 4, 13), 24.5],
  ]) {
    const to = from + hours * HOUR;
    const found = usualIn(zone, quarterHours(to, 6, () => 5)).hours({ from, to });

    assert.equal(found[0].from, from);
    assert.ok(found.every((hour, i) => i === 0 || hour.from <= found[i - 1].to), zone);
    assert.ok(found.every((hour, i) => i === 0 || hour.from > found[i - 1].from), zone);
    assert.ok(found[found.length - 1].to >= to, zone);
  }
});

test("an hour that the clocks leave out is none of the week in which they did", () => {
  // 02:00 of the 29th of March was not; the Sundays before and after had it.
  const usual = usualIn("Europe/Berlin", quarterHours(utc(2026, 3, 12, 0), 6, () => 7));

  assert.equal(usual.at(utc(2026, 3, 12, 0, 30)).low, 7);
});

test("an offset that is remembered is the offset, around the changes of the clocks as well", () => {
  const random = chance(3);
  for (const zone of ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca"]) {
    const offset = createOffset(zone);
    const fast = remembered(offset);
    for (let i = 0; i < 300; i += 1) {
      const at = utc(2026, 0, 1) + Math.floor((random() * 366 * DAY) / QUARTER) * QUARTER;
      assert.equal(fast(at), offset(at), `${zone} ${at}`);
    }
  }
});

test("what is fetched fits into one answer for a week, and is the same for the rest of the day", () => {
  const { from, to } = wantedUsual({ from: FRIDAY - 7 * DAY, to: FRIDAY });

  assert.ok((to - from) / QUARTER <= 5000);
  assert.deepEqual(wantedUsual({ from: FRIDAY - 7 * DAY + 600, to: FRIDAY + 600 }), { from, to });
});

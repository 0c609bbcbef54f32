import assert from "node:assert/strict";
import { test } from "node:test";

import { timeTicks } from "../../web/static/js/model/ticks.js";
import { createFormat, createWords } from "../../web/static/js/text/language.js";
import { plainTexts } from "./world.mjs";

const utc = (...parts) => Date.UTC(...parts) / 1000;
const formatIn = (zone) => createFormat("en-GB", zone, createWords(plainTexts, "en"));
const DAY = 86_400;

function ticksIn(zone, from, to, most = 12) {
  const { minute, day, month, year, offset } = formatIn(zone);
  const { unit, times } = timeTicks(from, to, most, offset);
  return { unit, times, minutes: times.map((at) => minute(at).slice(0, 5)), days: times.map(day), months: times.map((at) => `${month(at)} ${year(at)}`) };
}

test("an hour has ticks every five minutes and a minute every five seconds", () => {
  const hour = ticksIn("UTC", utc(2026, 0, 5, 7, 18), utc(2026, 0, 5, 8, 18), 14);
  assert.deepEqual([hour.unit, hour.minutes[0], hour.minutes.length], ["minute", "07:20", 12]);

  const minute = ticksIn("UTC", utc(2026, 0, 5, 7, 18), utc(2026, 0, 5, 7, 19));
  assert.deepEqual([minute.unit, minute.times[1] - minute.times[0]], ["second", 5]);
});

test("ticks are round in zones that are off by half and quarter hours", () => {
  for (const zone of ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York"]) {
    const { minutes } = ticksIn(zone, utc(2026, 6, 5, 7), utc(2026, 6, 6, 7));

    assert.ok(minutes.every((text) => Number(text.slice(0, 2)) % 2 === 0 && text.endsWith(":00")), `${zone}: ${minutes}`);
  }
});

test("on the days on which the clocks change the days begin at midnight", () => {
  for (const [zone, from] of [["Europe/Berlin", utc(2026, 2, 26)], ["Europe/Berlin", utc(2026, 9, 22)], ["America/New_York", utc(2026, 2, 5)]]) {
    const { unit, minutes, days } = ticksIn(zone, from, from + 7 * DAY);

    assert.equal(unit, "day");
    assert.deepEqual(new Set(minutes), new Set(["00:00"]), zone);
    assert.ok(new Set(days).size === days.length && days.length >= 6, `${zone}: ${days}`);
  }
});

test("hours are round on both sides of a change of the clocks, and none is drawn twice", () => {
  for (const month of [2, 9]) {
    const { minutes, times } = ticksIn("Europe/Berlin", utc(2026, month, month === 2 ? 28 : 24, 20), utc(2026, month, month === 2 ? 29 : 25, 20));

    assert.ok(minutes.every((text) => Number(text.slice(0, 2)) % 2 === 0), String(minutes));
    assert.ok(times.every((time, i) => i === 0 || time > times[i - 1]));
  }
});

test("a year has months and decades have years, each on its first day", () => {
  const year = ticksIn("Europe/Moscow", utc(2024, 10, 27), utc(2025, 10, 27), 14);
  assert.equal(year.unit, "month");
  assert.deepEqual(year.months.slice(0, 2), ["Dec 2024", "Jan 2025"]);
  assert.deepEqual(new Set(year.minutes), new Set(["00:00"]));

  const decades = ticksIn("UTC", utc(2016, 3, 1), utc(2026, 3, 1));
  assert.deepEqual([decades.unit, decades.months[0], decades.times.length], ["year", "Jan 2017", 10]);
});

test("no span has more ticks than there is room for, or none where a minute and more is shown", () => {
  for (let span = 60; span < 40 * 366 * DAY; span = Math.ceil(span * 1.37)) {
    for (const most of [3, 12]) {
      const { times } = ticksIn("Europe/Berlin", utc(2026, 9, 30) - span, utc(2026, 9, 30), most);

      assert.ok(times.length <= most + 2, `${span} s, ${most}: ${times.length}`);
    }
  }
});

test("a day of 23 hours has no tick at the hour that is left out, one of 25 hours two at the one that comes twice", () => {
  const { tick } = formatIn("Europe/Berlin");
  const hoursOf = (from, hours) => ticksIn("Europe/Berlin", from, from + hours * 3600, 26).times.map(tick);
  const spring = hoursOf(utc(2026, 2, 28, 23), 23);
  const autumn = hoursOf(utc(2026, 9, 24, 22), 25);

  assert.deepEqual([spring.length, spring.slice(0, 4)], [24, ["00:00", "01:00", "03:00", "04:00"]]);
  assert.deepEqual([autumn.length, autumn.slice(1, 5)], [26, ["01:00", "02:00\n+02:00", "02:00\n+01:00", "03:00"]]);
});

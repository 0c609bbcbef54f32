import assert from "node:assert/strict";
import { test } from "node:test";

import { createFormat, createWords, durationText, localeFor } from "../../web/static/js/core/language.js";
import { plainTexts } from "./world.mjs";

const words = createWords(plainTexts, "en");
const english = createFormat("en-US", "UTC", words);
const russian = createFormat("ru", "Europe/Moscow", words);
const NOON = Date.UTC(2026, 10, 24, 12) / 1000;
const spaced = (text) => text.replaceAll("\u00a0", " ");

test("times are in 24 hours and in the reader's zone", () => {
  assert.equal(english.time(NOON + 190), "12:03:10");
  assert.equal(english.minute(NOON - 12 * 3600), "00:00");
  assert.equal(russian.minute(NOON), "15:00");
});

test("a span under two minutes shows its seconds and one over midnight its days", () => {
  assert.equal(english.span(NOON + 180, NOON + 1020), "12:03–12:17");
  assert.equal(english.span(NOON + 5, NOON + 65), "12:00:05–12:01:05");
  assert.equal(english.span(NOON - 86_400, NOON), "Nov 23, 12:00 – Nov 24, 12:00");
});

test("numbers are written as the language writes them", () => {
  assert.equal(spaced(english.percent(63.44)), "63.4 %");
  assert.equal(spaced(russian.percent(63.44)), "63,4 %");
  assert.equal(spaced(english.whole(36.6)), "37 %");
});

test("what the system does not report is a dash, never zero", () => {
  assert.equal(english.percent(null), "–");
  assert.equal(english.whole(null), "–");
  assert.equal(english.number(null), "–");
  assert.equal(spaced(english.percent(0)), "0.0 %");
});

test("durations take at most two neighbouring units", () => {
  const cases = { 0: "0 s", 45: "45 s", 60: "1 min", 840: "14 min", 845: "14 min 5 s", 3600: "1 h", 3905: "1 h 5 min", 90_061: "1 d 1 h" };
  for (const [seconds, text] of Object.entries(cases)) assert.equal(spaced(durationText(Number(seconds), words)), text);
  assert.equal(spaced(english.roughly(845)), "14 min");
});

test("the page's language takes the reader's regional variant", () => {
  assert.equal(localeFor("en", ["ru", "en-GB", "en"]), "en-GB");
  assert.equal(localeFor("ru", ["en-US"]), "ru");
});

test("the zone is named with its offset from UTC", () => {
  assert.equal(russian.zone(NOON), "Europe/Moscow (GMT+3)");
  assert.equal(english.zone(NOON), "UTC");
});

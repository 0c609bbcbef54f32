import assert from "node:assert/strict";
import { test } from "node:test";

import { createFormat, createWords, durationText, knownZone, localeFor } from "../../web/static/js/text/language.js";
import { chance, plainTexts } from "./world.mjs";

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

test("tags that are none are skipped, as systems hand them on", () => {
  assert.equal(localeFor("en", ["en-US@posix", "en_US.UTF-8", "C", "", null, "en-GB"]), "en-GB");
  assert.equal(localeFor("en", ["en-US@posix"]), "en");
  assert.equal(localeFor("ru", undefined), "ru");
  assert.equal(localeFor("en", ["EN-gb"]), "en-GB");
});

test("a time zone that the browser does not know itself is none", () => {
  assert.deepEqual(["Foo/Bar", "Etc/Unknown", "", undefined, null].map(knownZone), [null, null, null, null, null]);
  assert.equal(knownZone("Europe/Berlin"), "Europe/Berlin");
});

test("without a known time zone all times are in UTC, and the page says so", () => {
  const format = createFormat("en-GB", null, words);

  assert.equal(format.span(NOON + 180, NOON + 1020), "12:03–12:17");
  assert.equal(format.zone(NOON), "UTC, zone unknown");
});

test("the zone is named with its offset from UTC", () => {
  assert.equal(russian.zone(NOON), "Europe/Moscow (GMT+3)");
  assert.equal(english.zone(NOON), "UTC");
});

/** Midnights, UTC, an hour before the clocks of Berlin are changed. */
const AUTUMN = Date.UTC(2026, 9, 25) / 1000;
const SPRING = Date.UTC(2026, 2, 29) / 1000;
const berlin = createFormat("en-GB", "Europe/Berlin", words);

test("a span across a change of the clocks shows both offsets", () => {
  assert.equal(spaced(berlin.span(AUTUMN + 2400, AUTUMN + 6000)), "02:40 +02:00 – 02:40 +01:00");
  assert.equal(spaced(berlin.span(SPRING + 3000, SPRING + 4200)), "01:50 +01:00 – 03:10 +02:00");
  assert.equal(spaced(berlin.minutes(AUTUMN + 3540, AUTUMN + 3600)), "02:59 +02:00 – 02:00 +01:00");
  assert.equal(spaced(berlin.times(AUTUMN + 3595, AUTUMN + 3605)), "02:59:55 +02:00 – 02:00:05 +01:00");
  assert.equal(spaced(berlin.span(AUTUMN - 86_400, AUTUMN + 43_200)), "24 Oct, 02:00 +02:00 – 25 Oct, 13:00 +01:00");
});

test("a time that the clocks show twice that night says which of the two it is", () => {
  assert.equal(spaced(berlin.time(AUTUMN + 2405)), "02:40:05 +02:00");
  assert.equal(spaced(berlin.minute(AUTUMN + 6000)), "02:40 +01:00");
  assert.equal(berlin.tick(AUTUMN + 6000), "02:40\n+01:00");
  assert.equal(spaced(berlin.moment(AUTUMN + 6000, AUTUMN + 9000)), "02:40 +01:00");
  assert.equal(spaced(berlin.span(AUTUMN + 600, AUTUMN + 1200)), "02:10 +02:00 – 02:20 +02:00");
  assert.deepEqual([AUTUMN - 60, AUTUMN, AUTUMN + 7200].map(berlin.minute).map(spaced), ["01:59", "02:00 +02:00", "03:00"]);
});

test("an ordinary day needs no offsets", () => {
  assert.equal(berlin.span(NOON + 180, NOON + 1020), "13:03–13:17");
  assert.equal(berlin.minute(AUTUMN + 86_400 + 2400), "01:40");
});

test("no two times of a night are written alike, wherever the clocks are changed and by however much", () => {
  const nights = { "Europe/Berlin": AUTUMN, "Australia/Lord_Howe": Date.UTC(2026, 3, 4, 15) / 1000, "America/St_Johns": Date.UTC(2026, 10, 1, 4) / 1000, "America/Havana": Date.UTC(2026, 10, 1, 4) / 1000 };
  const random = chance(11);
  for (const [zone, night] of Object.entries(nights)) {
    const format = createFormat("en-US", zone, words);
    const seen = new Map();
    for (let i = 0; i < 400; i += 1) {
      const at = night + 60 * Math.floor((random() - 0.5) * 300);
      const text = format.minute(at);
      assert.equal(seen.get(text) ?? at, at, `${zone}: ${text}`);
      seen.set(text, at);
    }
    assert.ok([...seen.keys()].some((text) => /[+−]\d\d:\d\d$/.test(text)), zone);
  }
});

test("the zone's offset is that of the time asked for, and may be less than an hour or west", () => {
  assert.equal(berlin.zone(AUTUMN), "Europe/Berlin (GMT+2)");
  assert.equal(berlin.zone(AUTUMN + 7200), "Europe/Berlin (GMT+1)");
  assert.equal(createFormat("en", "America/St_Johns", words).zone(NOON), "America/St_Johns (GMT−3:30)");
  assert.equal(createFormat("en", "Africa/Abidjan", words).zone(NOON), "Africa/Abidjan (GMT)");
});

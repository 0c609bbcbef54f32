import assert from "node:assert/strict";
import { test } from "node:test";

import { fieldText, fieldTime } from "../../web/static/js/text/fields.js";
import { createFormat, createWords } from "../../web/static/js/text/language.js";
import { plainTexts } from "./world.mjs";

const { offset } = createFormat("en-GB", "Europe/Berlin", createWords(plainTexts, "en"));
const utc = (...parts) => Date.UTC(...parts) / 1000;

test("a field shows the time on the wall of the zone and is read as such", () => {
  for (const at of [utc(2026, 0, 5, 7, 18), utc(2026, 6, 5, 7, 18), utc(2026, 2, 29, 0, 59), utc(2026, 9, 25, 2, 30)]) {
    assert.equal(fieldTime(fieldText(at, offset), offset), at, String(at));
  }
  assert.equal(fieldText(utc(2026, 6, 5, 7, 18), offset), "2026-07-05T09:18");
});

test("what is no time is none", () => {
  for (const text of ["", "soon", "2026-13-01T00:00"]) assert.equal(fieldTime(text, offset), null, text);
});

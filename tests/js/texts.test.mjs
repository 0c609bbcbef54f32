import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { createWords } from "../../web/static/js/text/language.js";

const read = (path) => readFileSync(new URL(`../../web/${path}`, import.meta.url), "utf8");
const files = ["en", "ru"].map((lang) => JSON.parse(read(`texts/${lang}.json`)));
const [en, ru] = files.map(({ frame, script, fleet }) => ({ ...frame, ...script, ...fleet }));
const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([name]) => name).sort();

test("both languages have the same texts", () => {
  assert.deepEqual(Object.keys(ru), Object.keys(en));
  assert.deepEqual(Object.keys(files[1].script), Object.keys(files[0].script));
});

test("a text and its translation are filled with the same values", () => {
  for (const key of Object.keys(en)) {
    if (/_(one|few|many|other)$/.test(key)) continue;
    assert.deepEqual(placeholders(ru[key]), placeholders(en[key]), key);
  }
});

test("every text that a page's frame asks for exists", () => {
  const templates = read("templates/page.html") + read("templates/fleet.html") + read("templates/machine.html");
  const asked = [...templates.matchAll(/texts\.(\w+)/g)].map(([, key]) => key);
  assert.deepEqual(asked.filter((key) => !(key in en)), []);
});

test("no key is hidden by a method of the dictionary that the template reads", () => {
  const methods = ["clear", "copy", "get", "items", "keys", "pop", "update", "values"];
  assert.deepEqual(methods.filter((name) => name in en), []);
});

test("Russian counts in its own plural forms", () => {
  const words = createWords(ru, "ru");
  const count = (n) => words.plural("summary_gaps", n, { duration: "5 мин" }).split(",")[0];

  assert.deepEqual([1, 3, 8, 21, 22].map(count), ["1 перерыв", "3 перерыва", "8 перерывов", "21 перерыв", "22 перерыва"]);
});

test("a missing text is an error that names it", () => {
  assert.throws(() => createWords({}, "en").text("greeting"), /no text for greeting/);
});

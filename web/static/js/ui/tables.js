/** The hour as tables, for readers of text. Made when one is opened. */

import { coveredFrom, longSamples } from "../core/coverage.js";
import { gapSentence } from "../core/summary.js";
import { make } from "./dom.js";

/** @typedef {(hour: Hour, end: number, language: Language) => HTMLElement} Table */

/**
 * @param {string} caption
 * @param {string[]} heads
 * @param {string[][]} rows oldest first, the first cell of each names the row
 */
function table(caption, heads, rows) {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const body = [...rows].reverse().map(([name = "", ...cells]) =>
    make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((text) => make("td", {}, text))),
  );
  return make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body));
}

/** @type {Table} */
function samples(hour, end, { words, format }) {
  const [times, cpu] = hour.samples(end);
  const { step } = hour.cpu;
  const long = longSamples(hour, end);
  const rows = times.flatMap((time, i) => {
    const gap = cpu[i] === null ? hour.gapAt(time) : null;
    const from = coveredFrom(time, step, long);
    if (!gap) return [[from < time - step ? format.times(from, time) : format.time(time), format.percent(cpu[i] ?? null)]];
    const begins = i === 0 || gap.from >= time - step;
    const when = gap.isOpen ? `${format.time(gap.from)}–…` : format.times(gap.from, gap.to);
    return begins ? [[when, gapSentence(gap, { words, format })]] : [];
  });
  return table(words.text("samples_caption"), [words.text("head_time"), words.text("head_cpu")], rows);
}

/** @type {Table} */
function minutes(hour, end, { words, format }) {
  const { step } = hour.perMinute;
  const long = longSamples(hour, end);
  const rows = hour.perMinute.times(end).map((time) => {
    const from = coveredFrom(time, step, long);
    const minute = hour.perMinute.at(time);
    const figures = [minute?.cpu, minute?.min, minute?.max].map((value) => format.percent(value ?? null));
    return [from < time - step ? format.span(from, time) : format.minute(time), ...figures, String(minute?.count ?? 0)];
  });
  const heads = ["head_minute", "head_mean", "head_min", "head_max", "head_count"].map((key) => words.text(key));
  return table(words.text("minutes_caption"), heads, rows);
}

export const tables = { samples, minutes };

/** What is shown as tables, for readers of text. Made when one is opened. */

import { coveredFrom, longSamples } from "../model/coverage.js";
import { gapSentence } from "../text/sentences.js";
import { make } from "./dom.js";

/** @typedef {(series: Series, end: number, language: Language) => HTMLElement} Table */

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
function samples(series, end, { words, format }) {
  const [times, cpu] = series.samples(end);
  const { step } = series.fine;
  const long = longSamples(series, end);
  const rows = times.flatMap((time, i) => {
    const gap = cpu[i] === null ? series.gapAt(time) : null;
    const from = coveredFrom(time, step, long);
    if (!gap) return [[from < time - step ? format.times(from, time) : format.instant(time), format.percent(cpu[i] ?? null)]];
    const begins = i === 0 || gap.from >= time - step;
    const when = gap.isOpen ? `${format.time(gap.from)}–…` : format.times(gap.from, gap.to);
    return begins ? [[when, gapSentence(gap, { words, format })]] : [];
  });
  return table(words.text("samples_caption", { step: format.duration(step) }), [words.text("head_time"), words.text("head_cpu")], rows);
}

/** @type {Table} */
function averages(series, end, { words, format }) {
  const { step } = series.coarse;
  const long = longSamples(series, end);
  const rows = series.coarse.times(end).map((time) => {
    const from = coveredFrom(time, step, long);
    const average = series.coarse.at(time);
    const figures = [average?.cpu, average?.min, average?.max].map((value) => format.percent(value ?? null));
    return [from < time - step ? format.span(from, time) : format.moment(time, end), ...figures, String(average?.count ?? 0)];
  });
  const heads = ["head_minute", "head_mean", "head_min", "head_max", "head_count"].map((key) => words.text(key));
  return table(words.text("minutes_caption", { step: format.duration(step) }), heads, rows);
}

export const tables = { samples, minutes: averages };

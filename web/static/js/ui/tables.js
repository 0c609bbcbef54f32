/** What is shown as tables, for readers of text. They follow the stream while they are open. */

import { coveredFrom, longSamples } from "../model/coverage.js";
import { gapSentence } from "../text/sentences.js";
import { byId, make } from "./dom.js";

/**
 * A row and what it is made of; the texts are written only when it is new.
 * @typedef {{key: string, cells: () => string[]}} Row
 * @typedef {(series: Series, end: number, language: Language) => {caption: string, heads: string[], rows: Row[]}} Table rows oldest first
 */

/** @type {Table} */
function samples(series, end, { words, format }) {
  const { step } = series.fine;
  const long = longSamples(series, end);
  const rows = timesSince(series.fine, series, end).flatMap((time) => {
    const row = series.fine.at(time);
    const gap = row ? null : series.gapAt(time);
    const from = coveredFrom(time, step, long);
    if (!gap) {
      const when = () => (from < time - step ? format.times(from, time) : format.instant(time));
      return [{ key: [time, from, row?.cpu].join(), cells: () => [when(), format.percent(row?.cpu ?? null)] }];
    }
    if (gap.from < time - step && time - step > series.fine.times(end)[0]) return [];
    const when = () => (gap.isOpen ? `${format.time(gap.from)}–…` : format.times(gap.from, gap.to));
    return [{ key: [gap.from, gap.isOpen || gap.to].join(), cells: () => [when(), gapSentence(gap, { words, format })] }];
  });
  return { caption: words.text("samples_caption", { step: format.duration(step) }), heads: [words.text("head_time"), words.text("head_cpu")], rows };
}

/** @type {Table} */
function averages(series, end, { words, format }) {
  const { step } = series.coarse;
  const long = longSamples(series, end);
  const rows = timesSince(series.coarse, series, end).map((time) => {
    const from = coveredFrom(time, step, long);
    const { cpu = null, min = null, max = null, count = 0 } = series.coarse.at(time) ?? {};
    const figures = () => [cpu, min, max].map((value) => format.percent(value));
    const when = () => (from < time - step ? format.span(from, time) : format.moment(time, end));
    return { key: [time, from, cpu, min, max, count].join(), cells: () => [when(), ...figures(), String(count)] };
  });
  const heads = ["head_minute", "head_mean", "head_min", "head_max", "head_count"].map((key) => words.text(key));
  return { caption: words.text("minutes_caption", { step: format.duration(step) }), heads, rows };
}

/**
 * The slots of a grid from where the recording begins.
 * @param {Series["fine"]} grid
 * @param {Series} series
 * @param {number} end
 */
function timesSince(grid, series, end) {
  const beginning = series.beginning(end) ?? Infinity;
  return grid.times(end).filter((time) => time > beginning);
}

/** @param {Row} row the first cell names it */
function rowOf({ key, cells }) {
  const [name = "", ...rest] = cells();
  return make("tr", { "data-key": key }, make("th", { scope: "row" }, name), ...rest.map((text) => make("td", {}, text)));
}

/**
 * Newest first; what is there stays in its place, with what is selected in it.
 * @param {HTMLElement} body
 * @param {Row[]} rows oldest first
 */
function followRows(body, rows) {
  const known = new Map([...body.children].map((row) => [/** @type {HTMLElement} */ (row).dataset.key, row]));
  let next = body.firstElementChild;
  for (const row of [...rows].reverse()) {
    const own = known.get(row.key);
    if (own && own === next) next = next.nextElementSibling;
    else body.insertBefore(own ?? rowOf(row), next);
    known.delete(row.key);
  }
  for (const row of known.values()) row.remove();
}

/**
 * @param {HTMLElement} node
 * @param {ReturnType<Table>} table
 * @param {string} zone in which its times are told
 */
function writeTable(node, { caption, heads, rows }, zone) {
  const head = [zone, caption, ...heads].join();
  if (node.dataset.head !== head) {
    const titles = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
    node.dataset.head = head;
    node.replaceChildren(make("table", {}, make("caption", {}, caption), make("thead", {}, titles), make("tbody")));
  }
  followRows(/** @type {HTMLElement} */ (node.querySelector("tbody")), rows);
}

/**
 * @param {"samples" | "minutes"} name of the chart
 * @param {Desk} desk
 * @returns {(frame: Frame, version: string) => void} shows it with each picture
 */
export function attachTable(name, { scene, language, paint }) {
  const details = /** @type {HTMLDetailsElement} */ (byId(`${name}-table`));
  const node = byId(`${name}-rows`);
  let shown = "";
  details.addEventListener("toggle", () => {
    shown = "";
    node.replaceChildren();
    delete node.dataset.head;
    if (details.open) paint();
  });
  return (frame, version) => {
    if (!details.open || version === shown) return;
    shown = version;
    writeTable(node, (name === "samples" ? samples : averages)(scene.series, frame.end, language), language.format.zone(frame.end));
  };
}

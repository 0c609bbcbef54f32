/** What the strip of cores says of a time. Pure. */

import { busiestCore, rowNames, rowValues, slotEnd } from "../model/cores.js";
import { slotText } from "./sentences.js";

/**
 * "core 3 · 18:00–18:15 · 97 %", "p75 of 64 cores · …"
 * @param {number} row
 * @param {number} time
 * @param {Series} series
 * @param {Language} language
 */
export function rowReadout(row, time, series, { words, format }) {
  const name = rowNames(series)[row] ?? "";
  const end = slotEnd(series, time);
  const value = rowValues(series, end)?.[row] ?? null;
  const who = words.knows(`row_${name}`)
    ? words.text("row_of_cores", { row: words.text(`row_${name}`), count: series.cpus?.length ?? 0 })
    : words.text("core", { cpu: name });
  const load = value === null ? words.text("readout_nothing") : format.whole(value);
  return [who, slotText(end, series.coarse.step, format), load].join(" · ");
}

/**
 * "busiest core 3: 97 %"; while the newest slot is not over, that of the one before it.
 * @type {Readout}
 */
export function busiestReadout(time, series, { words, format }) {
  const found = busiestCore(series, time) ?? busiestCore(series, time - series.coarse.step);
  return found ? words.text("busiest_core", { cpu: found.cpu, load: format.whole(found.load) }) : "–";
}

/** The cores of a span as rows; of very many, how they are spread. Pure. */

/** Rows that can be told apart. */
const MOST_ROWS = 32;
/** Instead of more of them. @type {[name: string, share: number][]} */
const SPREAD = [["max", 1], ["p75", 0.75], ["p50", 0.5], ["p25", 0.25], ["min", 0]];

/**
 * @param {Percent[]} values
 * @returns {Percent[]} of each row of SPREAD
 */
function spread(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return SPREAD.map(([, share]) => known[Math.round(share * (known.length - 1))] ?? null);
}

/**
 * @param {Series} series
 * @param {number} end
 * @returns {{names: string[], slots: {time: number, step: number, values: Percent[]}[]}} recorded slots alone
 */
export function coreRows(series, end) {
  const { cpus } = series;
  if (!cpus) return { names: [], slots: [] };
  const { step } = series.coarse;
  const times = series.coarse.times(Math.ceil(end / step) * step);
  const isMany = cpus.length > MOST_ROWS;
  const slots = times.flatMap((time) => {
    const cores = series.coarse.at(time)?.cores;
    return cores ? [{ time, step, values: isMany ? spread(cores) : cores }] : [];
  });
  return { names: isMany ? SPREAD.map(([name]) => name) : cpus.map(String), slots };
}

/**
 * The busiest core of the slot that covers a time.
 * @param {Series} series
 * @param {number} time
 * @returns {{cpu: number, load: number} | null}
 */
export function busiestCore({ cpus, coarse }, time) {
  const cores = coarse.at(Math.ceil(time / coarse.step) * coarse.step)?.cores ?? [];
  const load = Math.max(-1, ...cores.map((value) => value ?? -1));
  return load < 0 ? null : { cpu: cpus?.[cores.indexOf(load)] ?? 0, load };
}

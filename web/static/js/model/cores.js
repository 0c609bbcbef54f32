/** The cores of a span as rows; of very many, how they are spread. Pure. */

/** Rows that can be told apart. */
const MOST_ROWS = 32;
/** Instead of more of them. @type {[name: string, share: number][]} */
const SPREAD = [["max", 1], ["p75", 0.75], ["p50", 0.5], ["p25", 0.25], ["min", 0]];

/** @param {Series} series */
const isSpread = ({ cpus }) => (cpus?.length ?? 0) > MOST_ROWS;

/** The names of the rows: numbers of CPUs, or those of SPREAD; none while no core is known. @param {Series} series */
export function rowNames(series) {
  return isSpread(series) ? SPREAD.map(([name]) => name) : (series.cpus ?? []).map(String);
}

/**
 * @param {Percent[]} values
 * @returns {Percent[]} of each row of SPREAD
 */
function spread(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return SPREAD.map(([, share]) => known[Math.round(share * (known.length - 1))] ?? null);
}

/**
 * When the slot of the averages ends that covers a time.
 * @param {Series} series
 * @param {number} time
 */
export function slotEnd({ coarse: { step } }, time) {
  return Math.ceil(time / step) * step;
}

/**
 * @param {Series} series
 * @param {number} end of a slot
 * @returns {Percent[] | null} of each row; null where nothing was recorded
 */
export function rowValues(series, end) {
  const cores = series.coarse.at(end)?.cores;
  if (!cores) return null;
  return isSpread(series) ? spread(cores) : cores;
}

/**
 * The recorded slots of a span.
 * @param {Series} series
 * @param {number} end
 * @returns {{time: number, step: number, values: Percent[]}[]}
 */
export function coreSlots(series, end) {
  const { step } = series.coarse;
  return series.coarse.times(slotEnd(series, end)).flatMap((time) => {
    const values = rowValues(series, time);
    return values ? [{ time, step, values }] : [];
  });
}

/**
 * The busiest core of the slot that covers a time.
 * @param {Series} series
 * @param {number} time
 * @returns {{cpu: number, load: number} | null}
 */
export function busiestCore(series, time) {
  const cores = series.coarse.at(slotEnd(series, time))?.cores ?? [];
  const load = Math.max(-1, ...cores.map((value) => value ?? -1));
  return load < 0 ? null : { cpu: series.cpus?.[cores.indexOf(load)] ?? 0, load };
}

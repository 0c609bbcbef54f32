/** What is fetched beside the picture of a view: its figures, who it was, and what to compare it with. */

import { fetchJson } from "./ask.js";

const QUARTER_HOUR_S = 900;
/** Names of a list. */
const LISTED = 8;

/**
 * What is true of the machine until somebody changes it.
 * @param {null} _
 * @param {AbortSignal} signal
 * @returns {Promise<{boot_time: number}>}
 */
export function fetchMachine(_, signal) {
  return fetchJson("api/host", signal);
}

/**
 * The figures of a span.
 * @param {Stretch} span
 * @param {AbortSignal} signal
 * @returns {Promise<Digest>}
 */
export function fetchDigest({ from, to }, signal) {
  return fetchJson(`api/summary?from=${from}&to=${to}`, signal);
}

/**
 * As finely as so many points allow.
 * @param {Stretch & {points: number}} wanted
 * @param {AbortSignal} signal
 * @returns {Promise<HistoryBody>}
 */
export function fetchEarlier({ from, to, points }, signal) {
  return fetchJson(`api/history?from=${from}&to=${to}&points=${points}`, signal);
}

/**
 * @param {Stretch} span
 * @param {AbortSignal} signal
 * @returns {Promise<HistoryBody>}
 */
export function fetchQuarterHours({ from, to }, signal) {
  return fetchJson(`api/history?from=${from}&to=${to}&step=${QUARTER_HOUR_S}`, signal);
}

/**
 * Who used the CPU. In a moment nothing may have been read, because there was little to explain: then the time around it.
 * @param {import("../model/who.js").TopWish} wish
 * @param {AbortSignal} signal
 * @returns {Promise<TopBody>}
 */
export async function fetchTop({ from, to, by, wider }, signal) {
  const found = await fetchJson(`api/top?from=${from}&to=${to}&by=${by}&limit=${LISTED}`, signal);
  return found.top.length > 0 || !wider ? found : fetchTop({ ...wider, by, wider: null }, signal);
}

/**
 * @param {Stretch & {step: number}} wanted
 * @param {AbortSignal} signal
 * @returns {Promise<SharesBody>}
 */
export function fetchShares({ from, to, step }, signal) {
  return fetchJson(`api/history?from=${from}&to=${to}&step=${step}&series=top`, signal);
}

/**
 * How names are read at present.
 * @param {null} _
 * @param {AbortSignal} signal
 * @returns {Promise<{who: Naming}>}
 */
export function fetchNaming(_, signal) {
  return fetchJson("api/now", signal);
}

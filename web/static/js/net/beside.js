/** What is fetched beside the picture of a view: its figures, and what to compare it with. */

import { fetchJson } from "./ask.js";

const QUARTER_HOUR_S = 900;

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

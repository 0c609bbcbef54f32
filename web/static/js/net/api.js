/** The service's answers to questions. */

import { averageStep } from "../model/scene.js";
import { fetchJson } from "./ask.js";

/** An hour of seconds: the finest step is always offered. */
const FINEST_POINTS = 3600;

/** Longer than this no answer takes that still tells anything. */
const ANSWER_MS = 5000;

/**
 * Asks for spans of a history.
 * @param {string} address up to the parameters of the span
 * @param {string} kinds what the averages have besides
 */
export function historyAt(address, kinds) {
  /** @type {(query: string, signal?: AbortSignal) => Promise<HistoryBody>} */
  const fetchHistory = (query, signal) => fetchJson(address + query, signal);

  /**
   * Whole slots, so that the first and the last that touch the span are there.
   * @param {Stretch} span
   * @param {AbortSignal} [signal]
   * @param {number} [step] s
   */
  const fetchAverages = ({ from, to }, signal, step = averageStep(to - from)) => {
    const [first, last] = [Math.floor(from / step) * step, Math.ceil(to / step) * step];
    return fetchHistory(`from=${first}&to=${last}&step=${step}&series=${kinds}`, signal);
  };

  /**
   * As finely as so many points allow, and averages.
   * @param {Wanted} wanted
   * @param {AbortSignal} signal
   * @returns {Promise<[samples: HistoryBody, averages: HistoryBody]>}
   */
  const fetchSpan = async ({ view, from, to, points }, signal) => {
    if ("range" in view && view.range === "all") {
      const samples = await fetchHistory(`range=all&points=${points}`, signal);
      return [samples, await fetchAverages(samples, signal)];
    }
    /* A slot more on either side: a line enters the picture from outside. */
    const pad = Math.ceil((to - from) / points);
    const query = `from=${from - pad}&to=${to + pad}&points=${points + 2}`;
    const [samples, averages] = await Promise.all([fetchHistory(query, signal), fetchAverages({ from, to }, signal)]);
    /* Of so long ago nothing finer is kept than what the samples came in. */
    return [samples, samples.step > averages.step ? await fetchAverages({ from, to }, signal, samples.step) : averages];
  };
  return { fetchHistory, fetchAverages, fetchSpan };
}

const own = historyAt("api/history?", "modes,cores");

/** Averages of this machine, with their kinds and cores. */
export const fetchAverages = own.fetchAverages;

/** A span of this machine. */
export const fetchSpan = own.fetchSpan;

/** The last hour, finest step and minutes. */
export function fetchHour() {
  return Promise.all([own.fetchHistory(`range=1h&points=${FINEST_POINTS}`), own.fetchHistory("range=1h&step=60&series=modes")]);
}

/** Whether the way to the stream is open: its headers alone are answered at once, which nothing on the way holds back. */
export async function answersStream() {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), ANSWER_MS);
  try {
    return (await fetch("events", { method: "HEAD", cache: "no-store", signal: control.signal })).ok;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

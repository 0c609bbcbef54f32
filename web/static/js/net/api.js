/** The service's answers to questions. Alone knows fetch. */

/** An hour of seconds: the finest step is always offered. */
const FINEST_POINTS = 3600;

/** Longer than this no answer takes that still tells anything. */
const ANSWER_MS = 5000;

/**
 * @param {string} query
 * @returns {Promise<HistoryBody>}
 */
async function fetchHistory(query) {
  const response = await fetch(`api/history?range=1h&${query}`, { cache: "no-store" });
  if (!response.ok) throw new Error(`api/history answered ${response.status}`);
  return response.json();
}

/** The last hour, finest step and minutes. */
export function fetchHour() {
  return Promise.all([fetchHistory(`points=${FINEST_POINTS}`), fetchHistory("step=60")]);
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

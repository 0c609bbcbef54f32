/** The service's answers to questions. Alone knows fetch. */

/** An hour of seconds: the finest step is always offered. */
const FINEST_POINTS = 3600;

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

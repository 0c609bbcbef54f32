/** The service's answers to questions. Alone knows fetch. */

/** The interval of a service may be one second: an hour of it, so that the finest step is always offered. */
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

/** The last hour at the finest step and in minutes. */
export function fetchHour() {
  return Promise.all([fetchHistory(`points=${FINEST_POINTS}`), fetchHistory("step=60")]);
}

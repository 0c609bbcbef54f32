/** How fresh the page is: live, waiting or stale. Pure. */

/** Intervals without a sample after which a connected page says so, and seconds at least. */
const PATIENCE = 3;
const PATIENCE_S = 10;

/**
 * @param {Link} link
 * @param {number} now UTC Unix seconds
 * @param {boolean} [isBlind] nothing is recorded now, as an open gap tells: no sample is on its way
 * @returns {Status}
 */
export function statusOf({ phase, since, newestTime, interval }, now, isBlind = false) {
  if (phase === "hidden" || phase === "connecting") return { connection: phase, since: null };
  if (phase === "held") return { connection: phase, since };
  if (phase === "lost") return { connection: "reconnecting", since };
  const waiting = now - Math.max(newestTime ?? 0, since - interval);
  const late = isBlind || waiting > Math.max(PATIENCE * interval, PATIENCE_S);
  return late ? { connection: "stale", since: newestTime } : { connection: "live", since: null };
}

/**
 * @param {string} state as the service words it
 * @returns why the recording is degraded, null when it is not
 */
export function degradation(state) {
  return /^degraded: (.*)/s.exec(state)?.[1] ?? null;
}

/**
 * From when on the picture waits for samples.
 * @param {Pick<Link, "newestTime" | "interval">} link
 * @param {Connection} connection
 * @param {number} end of the picture
 * @returns null when it is up to date
 */
export function pendingFrom({ newestTime, interval }, connection, end) {
  if (newestTime === null || newestTime >= end) return null;
  const patience = connection === "live" || connection === "connecting" ? 2 * interval : 0;
  return end - newestTime > patience ? newestTime : null;
}

/** What the reader looks at: a range that follows the clock, or a span that stays; and its address. Pure. */

import { DAY_S, HOUR_S } from "./units.js";

/** Seconds of each range; `all` begins with the first sample. @type {Record<string, number>} */
export const RANGES = {
  "15m": 900, "1h": HOUR_S, "6h": 21_600, "24h": DAY_S, "7d": 7 * DAY_S, "30d": 30 * DAY_S, "1y": 365 * DAY_S, all: Infinity,
};
/** @type {View} */
export const LIVE_HOUR = { range: "1h" };

/** What is narrower shows nothing more, what is wider no computer has lived through. */
const SHORTEST_S = 60;
const LONGEST_S = 40 * 366 * DAY_S;

/**
 * @param {View} view
 * @returns {view is {range: string}}
 */
export const isFollowing = (view) => "range" in view;

/**
 * What is not understood is the hour.
 * @param {string} search of an address
 * @returns {View}
 */
export function parseView(search) {
  const query = new URLSearchParams(search);
  const range = query.get("range") ?? "";
  if (Object.keys(RANGES).includes(range)) return { range };
  const from = moment(query.get("from") ?? "");
  const to = moment(query.get("to") ?? "");
  return from >= 0 && from < to ? { from, to } : LIVE_HOUR;
}

/** In an address a plus that nobody encoded is a space. */
const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z|[+ -]\d\d:\d\d)?)?$/;

/**
 * @param {string} text UTC Unix seconds, or ISO 8601, in UTC unless it names a zone
 * @returns UTC Unix seconds; NaN of anything else
 */
function moment(text) {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  const [, day, time = "00:00", zone = "Z"] = ISO.exec(text) ?? [];
  return Date.parse(`${day}T${time}${zone.replace(" ", "+")}`) / 1000;
}

/**
 * @param {View} view
 * @returns as the service takes it too: `range=24h`, `from=…&to=…`
 */
export function viewQuery(view) {
  return isFollowing(view) ? `range=${view.range}` : `from=${view.from}&to=${view.to}`;
}

/** @param {View} one @param {View} other */
export const isSameView = (one, other) => viewQuery(one) === viewQuery(other);

/**
 * A span that can be shown: whole seconds, neither too short nor too long, nothing of the future.
 * @param {Stretch} span
 * @param {number} now the newest grid time
 * @returns {{from: number, to: number}}
 */
export function clamped({ from, to }, now) {
  const width = Math.round(Math.min(LONGEST_S, Math.max(SHORTEST_S, to - from)));
  const end = Math.round(Math.min(now, Math.max(width, (from + to + width) / 2)));
  return { from: end - width, to: end };
}

/** So much of what is around a stretch is shown with it, on either side; and the least that is shown. */
const AROUND = 0.5;
const LEAST_AROUND_S = 600;

/**
 * A span in which a stretch stands in the middle.
 * @param {Stretch} stretch
 * @returns {{from: number, to: number}}
 */
export function around({ from, to }) {
  const half = Math.max(LEAST_AROUND_S, (to - from) * (1 + 2 * AROUND)) / 2;
  return { from: Math.floor((from + to) / 2 - half), to: Math.ceil((from + to) / 2 + half) };
}

/**
 * By a share of its own width; to the right at most until now.
 * @param {Stretch} span
 * @param {number} share
 * @param {number} now
 */
export function panned({ from, to }, share, now) {
  const distance = (to - from) * share;
  return clamped({ from: from + distance, to: to + distance }, now);
}

/**
 * Wider or narrower, what is at a time stays where it is.
 * @param {Stretch} span
 * @param {number} factor of the width
 * @param {number} at
 * @param {number} now
 */
export function scaled({ from, to }, factor, at, now) {
  const width = Math.max(SHORTEST_S, (to - from) * factor);
  const start = at - ((at - from) / (to - from)) * width;
  return clamped({ from: start, to: start + width }, now);
}

/**
 * Under two fingers: what they took hold of stays under them.
 * @param {[number, number]} held times that they took hold of
 * @param {[number, number]} shares of the width at which they are
 * @param {number} now
 */
export function pinched([first, second], [left, right], now) {
  const distance = Math.abs(right - left) < 0.02 ? 0.02 : right - left;
  const width = (second - first) / distance;
  if (!(width > 0)) return null;
  const from = first - left * width;
  return clamped({ from, to: from + width }, now);
}

/**
 * @param {View} view
 * @param {number} now the newest grid time
 * @param {number | null} first the first sample ever, null while it is not known
 * @returns {Stretch}
 */
export function spanOf(view, now, first) {
  if (isFollowing(view)) {
    const width = /** @type {number} */ (RANGES[view.range]);
    return { from: width < Infinity ? now - width : Math.min(first ?? now - 365 * DAY_S, now - SHORTEST_S), to: now };
  }
  return view.from < now ? { from: view.from, to: Math.min(view.to, now) } : clamped(view, now);
}

/** The same span some time before, to compare with: which one, how far back, and what was recorded in it. Pure. */

import { instantOf } from "./ticks.js";
import { DAY_S, HOUR_S } from "./units.js";
import { isFollowing } from "./view.js";

/** What can be compared with, the nearest first. `span`: what ends where the picture begins. */
export const EARLIER = /** @type {const} */ (["day", "week", "span"]);
/** @typedef {typeof EARLIER[number]} Choice */

const WEEK_S = 7 * DAY_S;
/** The day on which the clocks are set back is longer by so much. */
const SPARE_S = HOUR_S;
/** Of the width, fetched at once on either side: what follows the clock needs no answer with each of its steps. */
const CHUNK = 1 / 6;
/** The service gives no more elements. */
const MOST_POINTS = 5000;

/**
 * Up to a day people look for the day or the week before; up to a week for the same weekdays; else for what was just
 * before. Before all that was recorded there is nothing.
 * @param {View} view
 * @param {number} width s
 * @returns {Choice[]}
 */
export function offered(view, width) {
  if (isFollowing(view) && view.range === "all") return [];
  if (width <= DAY_S + SPARE_S) return ["day", "week"];
  return width <= WEEK_S + SPARE_S ? ["week"] : ["span"];
}

/**
 * A wish outlives a span for which it is not offered: until then what is offered stands in its place.
 * @param {string} wish
 * @param {Choice[]} choices
 * @returns {Choice | null} null where nothing is wished for, or offered
 */
export function chosen(wish, choices) {
  const known = EARLIER.find((choice) => choice === wish);
  if (!known) return null;
  return choices.includes(known) ? known : (choices[choices.length - 1] ?? null);
}

/**
 * How far back it lies, so that a clock on the wall shows the same time at its end.
 * @param {Choice} choice
 * @param {Stretch} span
 * @param {(at: number) => number} offset what the clock on the wall is ahead of UTC, s
 * @returns s
 */
export function distance(choice, { from, to }, offset) {
  if (choice === "span") return to - from;
  const wall = to + offset(to) - (choice === "day" ? DAY_S : WEEK_S);
  return to - instantOf(wall, offset);
}

/**
 * What to fetch: whole chunks, so that it stays the same while the picture moves a little.
 * @param {Stretch} span of the picture
 * @param {number} back s
 * @param {number} step of the picture, s
 * @returns {Stretch & {points: number}}
 */
export function wantedEarlier({ from, to }, back, step) {
  const chunk = Math.max(1, Math.ceil(((to - from) * CHUNK) / step)) * step;
  const [first, last] = [Math.floor((from - back) / chunk) * chunk, Math.ceil((to - back) / chunk) * chunk];
  return { from: first, to: last, points: Math.min(MOST_POINTS, Math.ceil((last - first) / step)) };
}

/**
 * CPU % of the element that covers a time.
 * @param {Pick<HistoryBody, "start" | "step" | "cpu">} body
 * @param {number} time
 * @returns {Percent}
 */
export function cpuAt({ start, step, cpu }, time) {
  return cpu[Math.ceil((time - start) / step)] ?? null;
}

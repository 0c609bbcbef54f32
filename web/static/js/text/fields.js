/** Times as a field of the browser writes them: on the wall of the zone, without saying which. Pure. */

import { instantOf } from "../model/ticks.js";

/** @typedef {(at: number) => number} Offset what a clock on the wall is ahead of UTC, s */

/**
 * "2026-11-27T07:18"
 * @param {number} at
 * @param {Offset} offset
 */
export function fieldText(at, offset) {
  return new Date((at + offset(at)) * 1000).toISOString().slice(0, 16);
}

/**
 * @param {string} text as of fieldText, with or without seconds
 * @param {Offset} offset
 * @returns {number | null} UTC Unix seconds; null where it is no time
 */
export function fieldTime(text, offset) {
  const wall = Date.parse(`${text}Z`);
  return Number.isNaN(wall) ? null : instantOf(wall / 1000, offset);
}

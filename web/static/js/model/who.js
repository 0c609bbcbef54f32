/** Who used the CPU: which span is asked about, and why there may be no names. Pure. */

import { isFollowing, viewQuery } from "./view.js";

/** What follows the clock is asked about so often, or where a picture is long when it has moved by about a pixel. */
const ANEW_S = 60;
const ANEW_SHARE = 1 / 1500;
/** Seconds between two readings while the CPUs work, unless that costs too much. */
const USUAL_S = 5;
/** In quiet times names are read once a minute: so far around a moment lies at least one whole reading. */
const QUIET_S = 60;
/** After the pointer has left a chart: the time that it takes to the list. */
const REACH_S = 2;

/**
 * What to ask: about a moment also `wider`, the time around it, for where nothing was read inside the moment alone.
 * @typedef {Stretch & {by: Culprit["by"], wider: Stretch | null}} TopWish
 */

/**
 * About the moment under the cursor, or else all that is shown.
 * @param {number | null} cursor
 * @param {number} step of the samples, s
 * @param {Stretch} frame
 * @param {Culprit["by"]} by
 * @returns {TopWish}
 */
export function wantedTop(cursor, step, { from, to }, by) {
  if (cursor === null) return { from, to, by, wider: null };
  const wider = step < QUIET_S ? { from: cursor - QUIET_S, to: Math.min(to, cursor + QUIET_S) } : null;
  return { from: cursor - step, to: cursor, by, wider };
}

/**
 * Names a wish, the same for as long as its answer is.
 * @param {TopWish} wish
 * @param {View} view
 * @param {number | null} cursor
 */
export function wishName({ from, to, by }, view, cursor) {
  if (cursor !== null) return `${by} ${from} ${to}`;
  const anew = Math.max(ANEW_S, (to - from) * ANEW_SHARE);
  return `${by} ${viewQuery(view)} ${isFollowing(view) ? Math.floor(to / anew) : ""}`;
}

/** Keeps the list of a moment while somebody is on the way to it, or in it. */
export class Hold {
  #left = -Infinity;
  #isOfMoment = false;

  /**
   * @param {number | null} cursor
   * @param {boolean} isInside whether the pointer or the focus is in the list
   * @param {number} now s
   * @returns whether the list stays as it is
   */
  keeps(cursor, isInside, now) {
    if (cursor !== null) {
      this.#isOfMoment = true;
      this.#left = now;
      return false;
    }
    this.#isOfMoment = this.#isOfMoment && (isInside || now - this.#left < REACH_S);
    return this.#isOfMoment;
  }
}

/**
 * The view that is shown: what the reader chose, else units, where they can be seen.
 * @param {string} wish
 * @param {Naming} naming
 * @returns {Culprit["by"]}
 */
export function shownView(wish, { sight }) {
  if (wish === "unit" || wish === "process") return wish;
  return sight === "no units" ? "process" : "unit";
}

/**
 * Why there are no names, or fewer than there could be: keys of texts, the one that matters most first.
 * @param {Naming} naming
 * @param {Culprit["by"]} by
 * @param {number} interval s
 * @returns {string[]}
 */
export function reasons({ top, sight, every, error }, by, interval) {
  const isUnread = top === "off" || (by === "process" && top === "units");
  if (isUnread) return ["who_off"];
  if (sight === "blind") return ["who_unseen"];
  const isUnseen = sight === (by === "unit" ? "no units" : "no processes");
  return [
    ...(error === null ? [] : ["who_error"]),
    ...(isUnseen ? ["who_unseen"] : []),
    ...(by === "process" && sight === "hidden" ? ["who_hidden"] : []),
    ...(every !== null && every > Math.max(interval, USUAL_S) ? ["who_every"] : []),
  ];
}

/** Moves the view: every gesture, key and button comes through here. */

import { clamped, isFollowing, isSameView, LIVE_HOUR, panned, pinched, RANGES, scaled } from "./view.js";

/** Moves that follow each other faster than this are one step back. */
const STEP_REST_MS = 700;
/** Of its width a view is widened by going back when there is nowhere to go back to. */
const WIDER = 4;

/**
 * What it needs of the page.
 * @typedef {{
 *   span: () => Stretch, now: () => number, view: () => View, look: Desk["look"],
 *   depth: () => number, back: () => void, ranges?: string[],
 * }} Port
 */

export class Navigation {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #rest;

  /** @param {Port} port */
  constructor(port) {
    this.port = port;
  }

  /** @param {string} range */
  range(range) {
    this.port.look({ range }, "push");
  }

  live() {
    this.port.look(LIVE_HOUR, "push");
  }

  /** @param {Stretch} span */
  zoom(span) {
    this.port.look(clamped(span, this.port.now()), "push");
  }

  /** @param {number} share of the width, to the left where it is negative */
  pan(share) {
    this.#nudge(panned(this.port.span(), share, this.port.now()));
  }

  /**
   * A range that follows the clock gives way to the next one; a span, or one with a time to keep, is scaled.
   * @param {number} factor
   * @param {number | null} [at] what stays where it is
   */
  scale(factor, at = null) {
    const view = this.port.view();
    const next = at === null && isFollowing(view) ? neighbour(this.port.ranges ?? Object.keys(RANGES), view.range, factor > 1 ? 1 : -1) : undefined;
    if (next) return this.#nudge({ range: next });
    const { from, to } = this.port.span();
    this.#nudge(scaled({ from, to }, factor, at ?? (from + to) / 2, this.port.now()));
  }

  /**
   * @param {[number, number]} held times that two fingers took hold of
   * @param {[number, number]} shares of the width at which they are
   */
  pinch(held, shares) {
    const span = pinched(held, shares, this.port.now());
    if (span) this.port.look(span, "move");
  }

  /** A gesture is over: where it led to is a step. */
  settle() {
    this.port.look(this.port.view(), "push");
  }

  /** To the view before; a page that was opened with this one shows more around it. */
  back() {
    const view = this.port.view();
    if (this.port.depth() > 0) return this.port.back();
    if (isFollowing(view)) return isSameView(view, LIVE_HOUR) ? undefined : this.live();
    const { from, to } = this.port.span();
    this.port.look(scaled({ from, to }, WIDER, (from + to) / 2, this.port.now()), "push");
  }

  /** @param {View} view */
  #nudge(view) {
    this.port.look(view, this.#rest === undefined ? "push" : "replace");
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => (this.#rest = undefined), STEP_REST_MS);
  }
}

/**
 * @param {string[]} names from the shortest
 * @param {string} range
 * @param {1 | -1} direction
 */
function neighbour(names, range, direction) {
  return names[names.indexOf(range) + direction];
}

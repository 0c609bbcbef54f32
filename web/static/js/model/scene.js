/** What is on the canvas: the live hour, or a span that was fetched. Pure. */

import { Series } from "./series.js";
import { HOUR_S } from "./units.js";
import { isFollowing, isSameView, LIVE_HOUR, RANGES, spanOf } from "./view.js";

/** Steps that the service offers above the minute. */
const STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];
const LONGEST_STEP_S = 2_592_000;
/** Averages in a picture, about. */
const AVERAGES = 120;
/** A range that follows the clock is fetched anew when a slot is over, but not more often. */
const SHORTEST_WAIT_S = 15;

/**
 * Of the averages of a span: a minute for the hour, and more in longer ones.
 * @param {number} span seconds
 */
export function averageStep(span) {
  const wanted = span / AVERAGES;
  return STEPS.find((step) => step >= wanted) ?? Math.ceil(wanted / LONGEST_STEP_S) * LONGEST_STEP_S;
}

/**
 * Slots from the first in a stretch to the last.
 * @param {Pick<Frame, "from" | "to" | "gaps">} frame
 * @param {number} step
 * @returns {Grid}
 */
export function gridOf({ from, to, gaps }, step) {
  return { first: (Math.floor(from / step) + 1) * step, last: Math.floor(to / step) * step, step, gaps };
}

export class Scene {
  /** @type {View} */ view;
  /** What was fetched last; null while it is the hour. @type {{view: View, points: number, from: number, to: number, series: Series} | null} */
  #fetched = null;
  /** Counts what was fetched. */
  revision = 0;
  /** The first sample ever, once it is known. @type {number | null} */
  first = null;
  /** What the summary tells of the view; null while it is not known. @type {Digest | null} */
  digest = null;
  /** Why the view cannot be shown; null while nothing is wrong. @type {Failure | null} */
  failure = null;

  /**
   * @param {State} state
   * @param {View} [view]
   * @param {boolean} [isFed] a stream feeds the hour; without one it is fetched as any other span
   */
  constructor(state, view = LIVE_HOUR, isFed = true) {
    this.state = state;
    this.isFed = isFed;
    this.view = view;
  }

  /** Whether the stream alone feeds the picture. @param {View} [view] */
  isStreamed(view = this.view) {
    return this.isFed && isFollowing(view) && /** @type {number} */ (RANGES[view.range]) <= HOUR_S;
  }

  /** Whether what is on the canvas is what the view asks for. */
  get isShown() {
    if (this.isStreamed()) return true;
    return this.#fetched !== null && isSameView(this.#fetched.view, this.view);
  }

  get series() {
    return this.isStreamed() || !this.#fetched ? this.state.hour : this.#fetched.series;
  }

  /** @param {View} view */
  look(view) {
    this.view = view;
    this.failure = this.digest = null;
    if (this.isStreamed()) this.#fetched = this.state.followed = null;
    else if (!isFollowing(view)) this.state.followed = null;
  }

  /**
   * The span of the view.
   * @param {number} localNow
   */
  span(localNow) {
    return spanOf(this.view, this.state.end(localNow), this.first);
  }

  /**
   * @param {number} localNow
   * @returns {Frame}
   */
  frame(localNow) {
    const { state, series } = this;
    const { from, to } = this.span(localNow);
    if (this.isStreamed()) return state.frame(localNow, series, to - from);
    const live = state.frame(localNow, series, series.span);
    const fetched = this.#fetched;
    if (fetched && this.isShown && isFollowing(this.view)) return { ...live, from };
    const end = fetched?.to ?? live.to;
    return {
      from,
      to,
      end,
      gaps: series.gaps(end).filter((gap) => gap.to > from && gap.from < to),
      clockSteps: series.clockSteps(end),
      unreliable: series.unreliable(end),
      /* The picture of before says nothing of what it does not show. */
      beginning: this.isShown ? series.beginning(end) : from,
      pending: null,
      connection: live.connection,
    };
  }

  /**
   * What has to be fetched for the view in so many points.
   * @param {number} points
   * @param {number} localNow
   * @returns {Wanted | null} null while nothing is missing
   */
  request(points, localNow) {
    if (this.isStreamed()) return null;
    const fetched = this.#fetched;
    const { from, to } = this.span(localNow);
    if (fetched && this.isShown && fetched.points === points) {
      if (!isFollowing(this.view)) return null;
      if (to - fetched.to < Math.max(SHORTEST_WAIT_S, fetched.series.fine.step)) return null;
    }
    return { view: this.view, points, from, to };
  }

  /**
   * An answer; one to another view than the present is dropped.
   * @param {Wanted} wanted
   * @param {HistoryBody} samples
   * @param {HistoryBody} averages
   */
  load({ view, points, ...span }, samples, averages) {
    if (!isSameView(view, this.view)) return;
    const isOpen = isFollowing(view);
    const { from, to } = isOpen && view.range === "all" ? samples : span;
    const series = new Series(samples, averages, to - from, isOpen ? Infinity : to);
    this.#fetched = { view, points, from, to, series };
    this.state.followed = isOpen ? series : null;
    if (isOpen && view.range === "all") this.first = from;
    this.failure = null;
    this.revision += 1;
  }
}

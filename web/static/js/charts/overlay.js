/** What lies over the averages: how much of them a chosen name took. */

import { apart } from "../model/apart.js";
import { paintPortions } from "./marks/portion.js";
import { theme } from "./theme.js";

/** @typedef {{portions: import("../model/shares.js").Portion[], step: number}} Above */

export class Overlay {
  /** @type {Above} */ #above = { portions: [], step: 0 };
  #painted = "";

  /** @param {uPlot} plot */
  constructor(plot) {
    this.plot = plot;
    /* Before the gaps, which an average that is recorded in part would reach into. */
    plot.hooks.draw = [() => apart(() => this.#paint()), ...(plot.hooks.draw ?? [])];
  }

  /**
   * @param {string} version names the state of what lies above
   * @param {() => Above} above
   */
  show(version, above) {
    if (version === this.#painted) return;
    this.#painted = version;
    this.#above = above();
    this.plot.redraw(false);
  }

  #paint() {
    const { ctx, bbox } = this.plot;
    const { portions, step } = this.#above;
    if (portions.length === 0) return;
    const { card, who, "who-fill": shade } = theme();
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    paintPortions(this.plot, portions, step, { shade, colour: who, halo: card });
    ctx.restore();
  }
}

/** What lies under the line of samples to compare it with: what is usual, and the same span some time before. */

import { apart } from "../model/apart.js";
import { paintEarlier } from "./marks/earlier.js";
import { paintUsual } from "./marks/usual.js";
import { theme } from "./theme.js";

/** @typedef {{earlier: {body: HistoryBody, back: number} | null, hours: import("../model/usual.js").UsualHour[]}} Beneath */

export class Underlay {
  /** @type {Beneath} */ #beneath = { earlier: null, hours: [] };
  #painted = "";

  /** @param {uPlot} plot */
  constructor(plot) {
    this.plot = plot;
    plot.hooks.drawClear = [...(plot.hooks.drawClear ?? []), () => apart(() => this.#paint())];
  }

  /**
   * @param {string} version names the state of what lies beneath
   * @param {() => Beneath} beneath
   */
  show(version, beneath) {
    if (version === this.#painted) return;
    this.#painted = version;
    this.#beneath = beneath();
    this.plot.redraw(false);
  }

  #paint() {
    const { ctx, bbox } = this.plot;
    const { earlier, hours } = this.#beneath;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    paintUsual(this.plot, hours, theme().usual, theme().before);
    if (earlier) paintEarlier(this.plot, earlier.body, earlier.back, theme().before);
    ctx.restore();
  }
}

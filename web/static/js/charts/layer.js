/** What lies under or over the series of a chart, inside its picture. */

import { apart } from "../model/apart.js";

export class Layer {
  #painted = "";
  /** @type {() => void} */ #paint = () => undefined;

  /**
   * Under the series, or over them: but under the gaps, into which an average that is recorded in part would reach.
   * @param {uPlot} plot
   * @param {"drawClear" | "draw"} when
   */
  constructor(plot, when) {
    this.plot = plot;
    const [before, paint] = [plot.hooks[when] ?? [], () => this.#clipped()];
    plot.hooks[when] = when === "draw" ? [paint, ...before] : [...before, paint];
  }

  /**
   * @param {string} version names what is painted
   * @param {() => () => void} prepared what paints it
   */
  show(version, prepared) {
    if (version === this.#painted) return;
    this.#painted = version;
    this.#paint = prepared();
    this.plot.redraw(false);
  }

  #clipped() {
    const { ctx, bbox } = this.plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    apart(this.#paint);
    ctx.restore();
  }
}

/** The strip of cores below the charts, on their axis of time. */

import { coreSlots, rowNames, slotEnd } from "../model/cores.js";
import { byId, make, write } from "../ui/dom.js";
import { paintHeat } from "./marks/heat.js";
import { hatchPattern, theme } from "./theme.js";

export class Cores {
  #painted = "";
  #named = "";
  /** What is marked: nothing, the slot of a time, or the cell of a row in it. */
  #mark = make("div", { class: "mark", hidden: "" });

  /** The row that is pointed at; null while it is none. @type {number | null} */
  row = null;

  /**
   * @param {HTMLElement} node
   * @param {Words} words
   */
  constructor(node, words) {
    this.node = node;
    this.words = words;
    this.list = /** @type {HTMLElement} */ (node.querySelector("ol"));
    this.canvas = /** @type {HTMLCanvasElement} */ (node.querySelector("canvas"));
    node.append(this.#mark);
  }

  /**
   * @param {string} version names the state of series and frame
   * @param {Series} series
   * @param {Frame} frame
   * @param {uPlot | undefined} plot the chart above, on whose axis it stands
   */
  show(version, series, frame, plot) {
    const names = rowNames(series);
    if (!plot || names.length === 0) return;
    this.#name(names);
    const ratio = devicePixelRatio;
    const [left, width] = [plot.bbox.left / ratio, plot.bbox.width / ratio];
    const height = this.list.clientHeight;
    const key = [version, left, width, height, ratio].join();
    if (version && key === this.#painted) return;
    this.#painted = key;
    /* Shares of the width, which on paper is another. */
    const [start, share] = [left, width].map((part) => `${(100 * part) / plot.width}%`);
    Object.assign(this.canvas.style, { left: start, width: share, height: `${height}px` });
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    this.#paint(coreSlots(series, frame.end), frame, names.length);
  }

  /**
   * @param {number} x CSS px from the left of the canvas
   * @param {Stretch} frame
   */
  timeAt(x, { from, to }) {
    return from + (Math.min(Math.max(x / this.canvas.clientWidth, 0), 1) || 0) * (to - from);
  }

  /**
   * @param {number} y CSS px from the top of the canvas
   * @returns {number} its row
   */
  rowAt(y) {
    const rows = this.list.childElementCount;
    return Math.max(0, Math.min(rows - 1, Math.floor((y / this.canvas.clientHeight) * rows)));
  }

  /**
   * Marks what the cursor is at.
   * @param {number | null} time
   * @param {Series} series
   * @param {Stretch} frame
   */
  mark(time, series, { from, to }) {
    this.#mark.hidden = time === null || time < from || time > to || this.canvas.width < 2;
    if (time === null || this.#mark.hidden) return;
    const { clientWidth: width, clientHeight: height, offsetLeft } = this.canvas;
    /** @param {number} at */
    const x = (at) => (Math.min(1, Math.max(0, (at - from) / (to - from)))) * width;
    const end = slotEnd(series, time);
    const [left, right] = [x(end - series.coarse.step), x(end)];
    const rows = this.row === null ? 1 : this.list.childElementCount;
    Object.assign(this.#mark.style, {
      left: `${offsetLeft + left}px`,
      width: `${Math.max(2, right - left)}px`,
      top: `${((this.row ?? 0) * height) / rows}px`,
      height: `${height / rows}px`,
    });
  }

  /** @param {string} text */
  tell(text) {
    write(byId("cores-readout"), text);
  }

  /** @param {string[]} names */
  #name(names) {
    if (names.join() === this.#named) return;
    this.#named = names.join();
    const items = [...this.list.children];
    names.forEach((name, i) => {
      const text = this.words.knows(`row_${name}`) ? this.words.text(`row_${name}`) : name;
      if (items[i]) write(/** @type {Element} */ (items[i]), text);
      else this.list.append(make("li", {}, text));
    });
    items.slice(names.length).forEach((item) => item.remove());
  }

  /**
   * @param {ReturnType<typeof coreSlots>} slots
   * @param {Frame} frame
   * @param {number} rows
   */
  #paint(slots, { from, to, gaps }, rows) {
    const pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const { width, height } = this.canvas;
    /** @param {number} time */
    const x = (time) => Math.round(((time - from) / (to - from)) * width);
    const cells = slots.map(({ time, step, values }) => ({ left: x(time - step), right: x(time), values }));
    paintHeat(pen, cells, height / rows, theme().load);
    /* An average that is recorded in part would reach into a gap. */
    for (const gap of gaps) {
      if (gap.count || x(gap.to) - x(gap.from) < 2) continue;
      for (const style of [theme()["gap-fill"], hatchPattern(pen, gap.cause, devicePixelRatio)]) {
        pen.fillStyle = style;
        pen.fillRect(x(gap.from), 0, x(gap.to) - x(gap.from), height);
      }
    }
  }
}

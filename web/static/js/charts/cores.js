/** The strip of cores below the charts, on their axis of time. */

import { busiestCore, coreRows } from "../model/cores.js";
import { byId, make, write } from "../ui/dom.js";
import { paintHeat } from "./marks/heat.js";
import { hatchPattern, theme } from "./theme.js";

export class Cores {
  #painted = "";
  #named = "";

  /**
   * @param {HTMLElement} node
   * @param {Language} language
   */
  constructor(node, language) {
    this.node = node;
    this.language = language;
    this.list = /** @type {HTMLElement} */ (node.querySelector("ol"));
    this.canvas = /** @type {HTMLCanvasElement} */ (node.querySelector("canvas"));
  }

  /**
   * @param {string} version names the state of series and frame
   * @param {Series} series
   * @param {Frame} frame
   * @param {uPlot | undefined} plot the chart above, on whose axis it stands
   */
  show(version, series, frame, plot) {
    const { names, slots } = coreRows(series, frame.end);
    if (!plot || names.length === 0) return;
    this.#name(names);
    const ratio = devicePixelRatio;
    const [left, width] = [plot.bbox.left / ratio, plot.bbox.width / ratio];
    const height = this.list.clientHeight;
    const key = [version, left, width, height, ratio].join();
    if (version && key === this.#painted) return;
    this.#painted = key;
    Object.assign(this.canvas.style, { left: `${left}px`, width: `${width}px`, height: `${height}px` });
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    this.#paint(slots, frame, names.length);
  }

  /**
   * @param {number} time
   * @param {Series} series
   */
  tell(time, series) {
    const { words, format } = this.language;
    const found = busiestCore(series, time) ?? busiestCore(series, time - series.coarse.step);
    const text = found ? words.text("busiest_core", { cpu: found.cpu, load: format.whole(found.load) }) : "–";
    write(byId("cores-readout"), text);
  }

  /** @param {string[]} names */
  #name(names) {
    if (names.join() === this.#named) return;
    this.#named = names.join();
    const items = [...this.list.children];
    names.forEach((name, i) => {
      const { words } = this.language;
      const text = words.knows(`row_${name}`) ? words.text(`row_${name}`) : name;
      if (items[i]) write(/** @type {Element} */ (items[i]), text);
      else this.list.append(make("li", {}, text));
    });
    items.slice(names.length).forEach((item) => item.remove());
  }

  /**
   * @param {ReturnType<typeof coreRows>["slots"]} slots
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

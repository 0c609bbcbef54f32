/** A chart of percentages over a span. With its neighbours in charts/ alone knows uPlot. */

import { axes } from "./axes.js";
import { attachKeys } from "./gestures/keys.js";
import { regionsPlugin } from "./marks/gaps.js";
import { theme } from "./theme.js";

/**
 * A classic script, which runs after the modules, defines it.
 * @returns {typeof import("../../vendor/uplot-1.6.32/uPlot.js") | undefined}
 */
const uPlotClass = () => Reflect.get(globalThis, "uPlot");

/**
 * uPlot asks for navigator.language as it loads, and would die of one that is none, such as `en-US@posix`.
 * @param {string} locale a known one
 */
export function tellLanguage(locale) {
  Object.defineProperty(navigator, "language", { value: locale, configurable: true });
}

const SYNC_KEY = "time";

/**
 * A chart that only follows its neighbour's cursor has no event of its own.
 * @param {uPlot} plot
 * @param {ChartOptions["onCursor"]} onCursor
 */
function followPointer({ cursor, posToVal }, onCursor) {
  if (!cursor.event) return;
  const { left = -1 } = cursor;
  onCursor(left < 0 ? null : posToVal(left, "x"));
}

export class Chart {
  /** @type {Frame} */ #frame;
  #painted = "";

  /**
   * @param {ChartOptions} options
   * @param {Columns} columns
   * @param {Frame} frame
   */
  constructor(options, columns, frame) {
    this.#frame = frame;
    this.options = options;
    const UPlot = uPlotClass();
    if (!UPlot) throw new Error("uPlot did not load");
    this.plot = new UPlot(this.#plotOptions(options), columns, options.node);
    /* A finger that taps is followed by a mouse that is none. */
    this.plot.over.addEventListener("pointermove", ({ pointerType }) => pointerType === "touch" || options.onPointer());
    attachKeys(options.node, options.onKey);
    this.node = options.node;
    /* On paper it has the size that was chosen before. */
    new ResizeObserver(() => matchMedia("print").matches || this.fit()).observe(options.node);
  }

  /**
   * @param {string} version names the state of columns and frame
   * @param {() => Columns} columns
   * @param {Frame} frame
   */
  show(version, columns, frame) {
    if (version === this.#painted) return;
    this.#painted = version;
    this.#frame = frame;
    this.plot.setData(columns());
  }

  get frame() {
    return this.#frame;
  }

  /** @param {number | null} time where to put the cursor; null takes it away */
  place(time) {
    const left = time === null ? -10 : this.plot.valToPos(time, "x");
    this.plot.setCursor({ left, top: Math.min(left, 0) }, false);
  }

  /** After a change of theme. */
  repaint() {
    this.plot.redraw(false);
  }

  /** @param {Pick<Element, "clientWidth" | "clientHeight">} [size] that of its frame, unless it is another */
  fit({ clientWidth: width, clientHeight: height } = this.node) {
    const same = width === this.plot.width && height === this.plot.height;
    if (width > 0 && !same) this.plot.setSize({ width, height });
  }

  /**
   * @param {ChartOptions} options
   * @returns {uPlot.Options}
   */
  #plotOptions({ node, series, slotAt, labels, gapsAbove, format, onCursor }) {
    return {
      width: node.clientWidth,
      height: node.clientHeight,
      padding: [8, 22, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, range: () => [this.#frame.from, this.#frame.to] }, y: { range: [0, 100] } },
      axes: axes(format),
      series: [{}, ...series],
      cursor: {
        y: false,
        drag: { x: false, y: false },
        sync: { key: SYNC_KEY },
        points: {
          size: (plot, i) => (i === plot.series.length - 1 ? 9 : 0),
          width: (_, __, size) => size && 2,
          fill: () => theme().card,
        },
        dataIdx: (plot, _, nearest, time) => slotAt?.(time, /** @type {Columns} */ (plot.data)) ?? nearest,
      },
      hooks: { setCursor: [(plot) => followPointer(plot, onCursor)] },
      plugins: [regionsPlugin(() => this.#frame, labels, gapsAbove ?? (() => true))],
    };
  }
}

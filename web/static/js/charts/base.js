/** A chart of an hour of percentages. With its neighbours in charts/ alone knows uPlot. */

import { regionsPlugin } from "./regions.js";
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

const FONT = "12px system-ui, sans-serif";
const PERCENT_TICKS = [0, 25, 50, 75, 100];
const TICK_STEPS_S = [60, 120, 300, 600, 900, 1200, 1800, 3600];
const SYNC_KEY = "hour";

/**
 * @param {Format} format
 * @returns {uPlot.Axis[]}
 */
function axes(format) {
  /** @type {uPlot.Axis} */
  const common = {
    stroke: () => theme().dim,
    font: FONT,
    gap: 8,
    grid: { stroke: () => theme().grid, width: 1 },
    ticks: { show: false },
    border: { show: false },
  };
  return [
    {
      ...common,
      size: (_, values) => ((values ?? []).some((text) => text.includes("\n")) ? 46 : 28),
      space: 64,
      incrs: TICK_STEPS_S,
      grid: { show: false },
      values: (_, splits) => splits.map(format.tick),
    },
    {
      ...common,
      size: 48,
      splits: () => PERCENT_TICKS,
      values: (_, splits) => splits.map((value) => (value === 100 ? format.whole(value) : String(value))),
    },
  ];
}

/**
 * @param {HTMLElement} node
 * @param {ChartOptions["onKey"]} onKey
 */
function attachKeys(node, onKey) {
  node.addEventListener("keydown", (press) => {
    if (press.ctrlKey || press.altKey || press.metaKey) return;
    if (onKey(press)) press.preventDefault();
    if (press.key === "Escape") node.blur();
  });
}

/**
 * uPlot knows the mouse alone. A tap is one to it; a finger that is drawn along is none, and never leaves by itself.
 * @param {HTMLElement} over
 */
function attachFinger(over) {
  over.addEventListener("pointermove", ({ pointerType, clientX, clientY }) => {
    if (pointerType === "touch") over.dispatchEvent(new MouseEvent("mousemove", { clientX, clientY }));
  });
  document.addEventListener("pointerdown", ({ pointerType, target }) => {
    if (pointerType === "touch" && target !== over) over.dispatchEvent(new MouseEvent("mouseleave"));
  });
}

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
    const UPlot = uPlotClass();
    if (!UPlot) throw new Error("uPlot did not load");
    this.plot = new UPlot(this.#plotOptions(options), columns, options.node);
    this.plot.over.addEventListener("mousemove", options.onPointer, true);
    attachFinger(this.plot.over);
    attachKeys(options.node, options.onKey);
    new ResizeObserver(() => this.#fit(options.node)).observe(options.node);
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

  /** @param {number | null} time where to put the cursor; null takes it away */
  place(time) {
    const left = time === null ? -10 : this.plot.valToPos(time, "x");
    this.plot.setCursor({ left, top: Math.min(left, 0) }, false);
  }

  /** After a change of theme. */
  repaint() {
    this.plot.redraw(false);
  }

  /** @param {HTMLElement} node */
  #fit({ clientWidth: width, clientHeight: height }) {
    const same = width === this.plot.width && height === this.plot.height;
    if (width > 0 && !same) this.plot.setSize({ width, height });
  }

  /**
   * @param {ChartOptions} options
   * @returns {uPlot.Options}
   */
  #plotOptions({ node, series, slotAt, labels, format, onCursor }) {
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
      plugins: [regionsPlugin(() => this.#frame, labels)],
    };
  }
}

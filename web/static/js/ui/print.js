/** Fits the charts to a sheet of paper: when it is laid out nothing is told how wide it is. */

/** Of what a sheet of A4 or Letter has room for, about; the rest is done by the style sheet. CSS px. */
const SHEET_WIDTH = 660;
const HEIGHTS = /** @type {const} */ ({ samples: 210, minutes: 160 });

/**
 * @param {Charts} charts
 * @param {() => void} follow paints at once what stands on the axis of the charts
 */
export function attachPrint(charts, follow) {
  /** @param {(chart: import("../charts/chart.js").Chart, name: "samples" | "minutes") => void} fit */
  const all = (fit) => {
    for (const name of /** @type {const} */ (["samples", "minutes"])) if (charts[name]) fit(charts[name], name);
    /* uPlot takes a new size once what runs now is over. */
    queueMicrotask(follow);
  };
  addEventListener("beforeprint", () => all((chart, name) => chart.fit({ clientWidth: SHEET_WIDTH, clientHeight: HEIGHTS[name] })));
  addEventListener("afterprint", () => all((chart) => chart.fit()));
}

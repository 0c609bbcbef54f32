/** What moves the view and the cursor by hand on the charts. */

import { attachDrag } from "../charts/gestures/drag.js";
import { attachFinger } from "../charts/gestures/finger.js";
import { attachGaps } from "../charts/gestures/gaps.js";
import { attachKeys } from "../charts/gestures/keys.js";
import { attachPinch } from "../charts/gestures/pinch.js";
import { attachWheel } from "../charts/gestures/wheel.js";
import { paintFlags } from "../charts/marks/flags.js";
import { gapNear } from "../model/gaps.js";
import { Navigation } from "../model/navigation.js";
import { depth } from "./address.js";

/** @typedef {import("../charts/chart.js").Chart} Chart */

/**
 * @param {Chart} chart
 * @param {Pick<Desk, "scene" | "state" | "moveTo">} desk
 * @param {Navigation} go
 * @param {(gap: Gap) => void} leadTo where a click on a gap leads
 */
function attachGestures(chart, { scene, state, moveTo }, go, leadTo) {
  const { plot, options } = chart;
  const gaps = () => chart.frame.gaps;
  attachDrag(plot, go);
  attachWheel(plot, go);
  attachPinch(plot, go);
  attachFinger(plot.over, {
    at: () => state.cursor,
    point: (x) => moveTo(plot.posToVal(x, "x"), true),
    restore: (time) => moveTo(time, true),
  });
  attachGaps(plot, gaps, leadTo);
  attachKeys(options.node, ({ key }) => {
    const gap = key === "Enter" && state.cursor !== null ? gapNear(gaps(), state.cursor, scene.series.fine.step) : null;
    if (gap) leadTo(gap);
    return gap !== null;
  });
  plot.hooks.draw?.push(() => paintFlags(plot, gaps(), options.labels.gap, options.topOf));
  chart.repaint();
}

/**
 * A chart may come after this.
 * @param {Pick<Desk, "scene" | "state" | "moveTo" | "charts">} desk
 * @param {Navigation} go
 * @param {(gap: Gap) => void} leadTo
 */
export function gesturesOf(desk, go, leadTo) {
  const attached = new Set();
  return () => {
    for (const chart of Object.values(desk.charts)) {
      if (attached.has(chart)) continue;
      attached.add(chart);
      attachGestures(chart, desk, go, leadTo);
    }
  };
}

/**
 * @param {Pick<Desk, "scene" | "state" | "clock" | "look">} desk
 * @param {string[]} [ranges] those that a range gives way to, from the shortest
 */
export function navigationOf({ scene, state, clock, look }, ranges) {
  return new Navigation({
    span: () => scene.span(clock()),
    now: () => state.end(clock()),
    view: () => scene.view,
    look,
    depth,
    back: () => history.back(),
    ...(ranges && { ranges }),
  });
}

/** The strip of cores under a mouse, a finger and keys: which core, and when. */

import { attachFinger } from "../charts/gestures/finger.js";
import { attachKeys } from "../charts/gestures/keys.js";
import { attachRows } from "../charts/gestures/rows.js";
import { rowNames, slotEnd } from "../model/cores.js";
import { busiestReadout, rowReadout } from "../text/cores.js";
import { announce } from "./dom.js";

/** @typedef {import("../charts/cores.js").Cores} Cores */

/**
 * @param {Cores} cores
 * @returns {Readout} of the row that is pointed at, else of the busiest
 */
const readout = (cores) => (time, series, language) =>
  cores.row === null ? busiestReadout(time, series, language) : rowReadout(cores.row, time, series, language);

/**
 * @param {Cores} cores
 * @param {Desk} desk
 */
export function attachStrip(cores, { state, scene, clock, language, moveTo, onKey }) {
  /** @param {number | null} time @param {number | null} row */
  const move = (time, row) => {
    cores.row = row;
    moveTo(time, true, "coarse");
  };
  /** @param {number} x @param {number} y */
  const point = (x, y) => move(slotEnd(scene.series, cores.timeAt(x, scene.span(clock()))), cores.rowAt(y));
  attachRows(cores.canvas, { point, leave: () => move(null, null) });
  attachFinger(cores.canvas, {
    at: () => ({ time: state.cursor, row: cores.row }),
    point,
    restore: ({ time, row }) => move(time, row),
  });
  attachKeys(cores.node, (press) => {
    const rows = { ArrowUp: -1, ArrowDown: 1 }[press.key];
    if (rows === undefined) {
      if (press.key === "Escape") cores.row = null;
      return onKey(press, readout(cores), "coarse");
    }
    const count = rowNames(scene.series).length;
    if (count === 0) return false;
    const time = state.cursor ?? slotEnd(scene.series, scene.span(clock()).to) - scene.series.coarse.step;
    move(time, Math.max(0, Math.min(count - 1, (cores.row ?? (rows > 0 ? -1 : count)) + rows)));
    announce(readout(cores)(time, scene.series, language));
    return true;
  });
}

/**
 * @param {Cores} cores
 * @param {Desk} desk
 * @param {Frame} frame
 */
export function showStrip(cores, { state, scene, language }, frame) {
  if (state.cursor === null) cores.row = null;
  cores.mark(state.cursor, scene.series, frame);
  cores.tell(readout(cores)(state.cursor ?? frame.end, scene.series, language));
}

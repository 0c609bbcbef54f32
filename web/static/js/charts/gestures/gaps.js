/** A click, a tap or Enter on a gap leads to its line in the list of what happened. */

import { gapNear } from "../../model/gaps.js";

/** So far beside a gap it is still meant. CSS px. */
const NEAR = { mouse: 3, touch: 10 };
/** Farther than this it was a drag. CSS px. */
const STILL = 6;
/** A second click makes it a double click, which goes back. */
const DOUBLE_MS = 300;

/**
 * @param {uPlot} plot
 * @param {() => Gap[]} gaps
 * @param {(gap: Gap) => void} lead
 */
export function attachGaps(plot, gaps, lead) {
  const { over } = plot;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** Where the pointer went down. @type {{x: number, y: number} | null} */
  let begun = null;

  /** @param {PointerEvent} event */
  const found = ({ clientX, pointerType }) => {
    const x = clientX - over.getBoundingClientRect().left;
    const near = pointerType === "touch" ? NEAR.touch : NEAR.mouse;
    return gapNear(gaps(), plot.posToVal(x, "x"), plot.posToVal(near, "x") - plot.posToVal(0, "x"));
  };
  over.addEventListener("pointerdown", ({ clientX: x, clientY: y, isPrimary }) => {
    clearTimeout(waiting);
    begun = isPrimary ? { x, y } : null;
  });
  over.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") over.classList.toggle("on-gap", found(event) !== null);
  });
  over.addEventListener("pointerup", (event) => {
    const isStill = begun !== null && Math.hypot(event.clientX - begun.x, event.clientY - begun.y) < STILL;
    const gap = isStill ? found(event) : null;
    if (gap) waiting = setTimeout(() => lead(gap), DOUBLE_MS);
  });
}

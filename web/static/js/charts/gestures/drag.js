/** A mouse that is drawn over a chart chooses a span to zoom in to; a double click goes back. */

/** Shorter than this a drag is a click. CSS px. */
const SHORTEST = 6;

/**
 * @param {uPlot} plot
 * @param {Pick<import("../../model/navigation.js").Navigation, "zoom" | "back">} go
 */
export function attachDrag(plot, go) {
  const { over } = plot;
  const selection = document.createElement("div");
  selection.className = "selection";
  selection.hidden = true;
  over.append(selection);
  /** @type {number | null} */
  let begin = null;

  /** @param {PointerEvent} event */
  const at = ({ clientX }) => {
    const { left, width } = over.getBoundingClientRect();
    return Math.min(width, Math.max(0, clientX - left));
  };
  const end = () => {
    begin = null;
    selection.hidden = true;
  };

  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button !== 0) return;
    begin = at(event);
    over.setPointerCapture(event.pointerId);
  });
  over.addEventListener("pointermove", (event) => {
    if (begin === null) return;
    const [left, right] = [begin, at(event)].sort((a, b) => a - b);
    selection.hidden = /** @type {number} */ (right) - /** @type {number} */ (left) < SHORTEST;
    selection.style.left = `${left}px`;
    selection.style.width = `${/** @type {number} */ (right) - /** @type {number} */ (left)}px`;
  });
  over.addEventListener("pointerup", (event) => {
    if (begin === null) return;
    const [left, right] = [begin, at(event)].sort((a, b) => a - b);
    end();
    if (/** @type {number} */ (right) - /** @type {number} */ (left) < SHORTEST) return;
    go.zoom({ from: plot.posToVal(/** @type {number} */ (left), "x"), to: plot.posToVal(/** @type {number} */ (right), "x") });
  });
  over.addEventListener("pointercancel", end);
  over.addEventListener("dblclick", () => go.back());
}

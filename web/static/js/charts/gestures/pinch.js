/** Two fingers: the times that they take hold of stay under them, so they zoom and pan at once. */

/**
 * @param {uPlot} plot
 * @param {Pick<import("../../model/navigation.js").Navigation, "pinch" | "settle">} go
 */
export function attachPinch(plot, go) {
  const { over } = plot;
  /** Where each finger is, CSS px from the left. @type {Map<number, number>} */
  const fingers = new Map();
  /** @type {[number, number] | null} */
  let held = null;

  /** @param {PointerEvent} event */
  const note = ({ pointerId, clientX }) => fingers.set(pointerId, clientX - over.getBoundingClientRect().left);
  /** @returns {[number, number]} */
  const both = () => {
    const [first = 0, second = 0] = [...fingers.values()].sort((a, b) => a - b);
    return [first, second];
  };

  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    note(event);
    over.setPointerCapture(event.pointerId);
    if (fingers.size !== 2) return;
    const [first, second] = both();
    held = [plot.posToVal(first, "x"), plot.posToVal(second, "x")];
  });
  over.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    note(event);
    if (!held) return;
    const width = over.clientWidth;
    const [first, second] = both();
    go.pinch(held, [first / width, second / width]);
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
    over.addEventListener(name, ({ pointerId }) => {
      fingers.delete(pointerId);
      if (!held || fingers.size >= 2) return;
      held = null;
      go.settle();
    });
  }
}

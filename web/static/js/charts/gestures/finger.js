/** A finger that is drawn along moves the cursor: uPlot knows the mouse alone, and of a finger the tap. */

/** @param {HTMLElement} over */
export function attachFinger(over) {
  over.addEventListener("pointermove", ({ pointerType, isPrimary, clientX, clientY }) => {
    if (pointerType === "touch" && isPrimary) over.dispatchEvent(new MouseEvent("mousemove", { clientX, clientY }));
  });
  /* It never leaves by itself. */
  document.addEventListener("pointerdown", ({ pointerType, target }) => {
    if (pointerType === "touch" && target !== over) over.dispatchEvent(new MouseEvent("mouseleave"));
  });
}

/** A mouse over rows: which one, and when. */

/**
 * @param {HTMLElement} over
 * @param {{point: (x: number, y: number) => void, leave: () => void}} pointer `point` takes CSS px from the left and the top
 */
export function attachRows(over, { point, leave }) {
  over.addEventListener("pointermove", ({ pointerType, clientX, clientY }) => {
    const { left, top } = over.getBoundingClientRect();
    if (pointerType !== "touch") point(clientX - left, clientY - top);
  });
  over.addEventListener("pointerleave", ({ pointerType }) => {
    if (pointerType !== "touch") leave();
  });
}

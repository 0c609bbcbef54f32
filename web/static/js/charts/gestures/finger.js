/** A finger that is drawn along moves the cursor; where it is lifted, and where one taps, the cursor stays. */

/**
 * What a finger moves: `point` takes CSS px from the left and the top, `restore` what `at` told.
 * @template Place
 * @typedef {{at: () => Place, point: (x: number, y: number) => void, restore: (before: Place) => void}} Scrubbed
 */

/**
 * @template Place
 * @param {HTMLElement} over what is touched
 * @param {Scrubbed<Place>} cursor
 */
export function attachFinger(over, { at, point, restore }) {
  /** The one that is down alone, and where the cursor was; two do something else. @type {{id: number, before: Place} | null} */
  let finger = null;

  /** @param {PointerEvent} event */
  const follow = ({ pointerId, clientX, clientY }) => {
    if (pointerId !== finger?.id) return;
    const { left, top } = over.getBoundingClientRect();
    point(clientX - left, clientY - top);
  };
  /** What began as a scrub was none. */
  const undo = () => {
    if (finger) restore(finger.before);
    finger = null;
  };

  over.addEventListener("pointerdown", ({ pointerType, isPrimary, pointerId }) => {
    if (pointerType !== "touch") return;
    if (!isPrimary) return undo();
    finger = { id: pointerId, before: at() };
  });
  over.addEventListener("pointermove", follow);
  over.addEventListener("pointerup", (event) => {
    follow(event);
    finger = null;
  });
  /* The page is scrolled. */
  over.addEventListener("pointercancel", undo);
}

/**
 * @param {() => void} onTap on what shows no time
 */
export function attachTapElsewhere(onTap) {
  document.addEventListener("pointerup", ({ pointerType, target }) => {
    if (pointerType === "touch" && target instanceof Element && !target.closest(".plot, .strip")) onTap();
  });
}

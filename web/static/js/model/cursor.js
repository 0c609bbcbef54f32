/** Where the keys move the cursor. Pure. */

/** Slots a page: a minute of samples at the usual 5 s. */
const PAGE = 12;

/**
 * @param {{key: string, shiftKey: boolean}} press
 * @param {number | null} at the cursor, if there is one
 * @param {Grid} grid
 * @returns {number | null} the new time, or null when the key is not one of ours
 */
export function moveCursor({ key, shiftKey }, at, { first, last, step, gaps }) {
  const from = at ?? last + step;
  /** @type {Record<string, number>} */
  const jumps = { ArrowLeft: -step, ArrowRight: step, PageUp: -PAGE * step, PageDown: PAGE * step };
  /** @param {number} time */
  const inside = (time) => Math.min(last, Math.max(first, time));

  if (key === "Home") return first;
  if (key === "End") return last;
  if (key.toLowerCase() === "g") {
    const entries = gaps.map((gap) => inside((Math.floor(gap.from / step) + 1) * step));
    const next = shiftKey ? entries.filter((time) => time < from).pop() : entries.find((time) => time > (at ?? -Infinity));
    return next ?? at ?? last;
  }
  const jump = jumps[key];
  return jump === undefined ? null : inside(from + jump);
}

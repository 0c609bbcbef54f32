/** Lists whose lines change under the reader. */

/** Which line has the focus. @param {Element} list */
const focused = (list) => [...list.children].find((line) => line.contains(document.activeElement));

/** What a line is of: all that it says of itself but its end, which may move. @param {Element} line */
const nameOf = (line) => JSON.stringify({ ...(/** @type {HTMLElement} */ (line).dataset), to: 0 });

/**
 * Puts new lines in place of the old; the focus stays on what it was on.
 * @param {Element} list
 * @param {HTMLElement[]} lines
 */
export function replaceLines(list, lines) {
  const before = focused(list);
  const name = before && nameOf(before);
  list.replaceChildren(...lines);
  const after = name && lines.find((line) => nameOf(line) === name)?.lastElementChild;
  if (after instanceof HTMLElement) after.focus({ preventScroll: true });
}

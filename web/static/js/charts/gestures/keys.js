/** Keys on a focused chart. */

/**
 * @param {HTMLElement} node
 * @param {ChartOptions["onKey"]} onKey
 */
export function attachKeys(node, onKey) {
  node.addEventListener("keydown", (press) => {
    if (press.ctrlKey || press.altKey || press.metaKey) return;
    if (!onKey(press)) return;
    press.preventDefault();
    press.stopPropagation();
  });
}

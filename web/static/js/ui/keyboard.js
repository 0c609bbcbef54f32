/** Keys that move the view: on a chart beside those of its cursor, elsewhere alone. */

/** Of the width, for an arrow. */
const ARROW = 0.25;

/**
 * @param {Navigation} go
 * @param {() => number | null} cursor the time that it is at
 * @param {() => boolean} drop
 * @returns {Record<string, () => void>}
 */
const moves = (go, cursor, drop) => ({
  ArrowLeft: () => go.pan(-ARROW),
  ArrowRight: () => go.pan(ARROW),
  "+": () => go.scale(0.5, cursor()),
  "=": () => go.scale(0.5, cursor()),
  "-": () => go.scale(2, cursor()),
  0: () => go.back(),
  l: () => go.live(),
  Escape: () => void (drop() || go.back()),
});

/** @typedef {import("../model/navigation.js").Navigation} Navigation */

/**
 * Letters and signs count only inside the part that they move: whoever speaks to the browser may say one elsewhere.
 * @param {KeyboardEvent} press
 */
function isOurs({ key, shiftKey, target, ctrlKey, altKey, metaKey }) {
  if (ctrlKey || altKey || metaKey || !(target instanceof Element)) return false;
  if (target.closest("input, select, textarea, dialog, .scroll")) return false;
  if (key === "Escape") return true;
  if (key.startsWith("Arrow")) return target.closest(".plot, .strip") ? shiftKey : true;
  return target.closest("#view") !== null;
}

/**
 * @param {Navigation} go
 * @param {() => number | null} cursor
 * @param {{openHelp?: () => void, drop?: () => boolean}} [more] where there is any help; what takes off what lies over the
 * charts, and says whether anything did
 */
export function attachKeyboard(go, cursor, { openHelp, drop = () => false } = {}) {
  const known = moves(go, cursor, drop);
  document.addEventListener("keydown", (press) => {
    if (openHelp && press.key === "?" && !(press.target instanceof HTMLInputElement)) return openHelp();
    const move = known[press.key] ?? known[press.key.toLowerCase()];
    if (!move || !isOurs(press)) return;
    press.preventDefault();
    move();
  });
}

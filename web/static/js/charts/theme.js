/** The design tokens as a canvas needs them: resolved colours, and a hatch pattern for each cause of a gap. */

const TOKENS = /** @type {const} */ ([
  "card", "ink", "dim", "grid", "load", "load-fill", "band", "before", "usual", "user", "system", "irq", "steal",
  "gap", "gap-fill", "gap-ink", "warn", "warn-fill", "void", "who", "who-fill",
]);
const QUERIES = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)", "print"];

/** @typedef {Record<typeof TOKENS[number], string>} Theme */

/** @type {Theme | null} */
let known = null;

/** A custom property keeps its var() and its color-mix() as written; only a real `color` is computed. */
function readTheme() {
  const probe = document.createElement("span");
  probe.hidden = true;
  /* With forced colours the browser would replace even `transparent` by its text colour. */
  probe.style.setProperty("forced-color-adjust", "none");
  document.body.append(probe);
  const entries = TOKENS.map((token) => {
    probe.style.color = `var(--${token})`;
    return [token, getComputedStyle(probe).color];
  });
  probe.remove();
  return /** @type {Theme} */ (Object.fromEntries(entries));
}

export function theme() {
  known ??= readTheme();
  return known;
}

/** @param {() => void} repaint called when the theme has changed */
export function onThemeChange(repaint) {
  for (const query of QUERIES) {
    matchMedia(query).addEventListener("change", () => {
      known = null;
      repaint();
    });
  }
}

/** Side of a pattern tile, CSS px. */
const TILE = 8;

/** @typedef {(line: (x1: number, y1: number, x2: number, y2: number) => void) => void} Hatch */

/** @type {Hatch} */
const rising = (line) => [-TILE, 0, TILE].forEach((x) => line(x - 1, TILE + 1, x + TILE + 1, -1));
/** @type {Hatch} */
const falling = (line) => [-TILE, 0, TILE].forEach((x) => line(x - 1, -1, x + TILE + 1, TILE + 1));

/** @type {Record<Cause | "steal", Hatch>} */
const HATCHES = {
  steal: falling,
  stopped: rising,
  silent: rising,
  rebooted: falling,
  crashed(line) {
    rising(line);
    falling(line);
  },
  suspended: (line) => line(0, TILE / 2, TILE, TILE / 2),
  clock: (line) => line(TILE / 2, 0, TILE / 2, TILE),
  unreadable(line) {
    line(2.5, 2.5, 5.5, 5.5);
    line(5.5, 2.5, 2.5, 5.5);
  },
  unwritten(line) {
    line(0, 2, 4, 2);
    line(4, 6, TILE, 6);
  },
  stalled(line) {
    line(0, TILE / 2, TILE, TILE / 2);
    line(TILE / 2, 0, TILE / 2, TILE);
  },
};

/** @type {Map<string, CanvasPattern>} */
const patterns = new Map();

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Cause | "steal"} cause
 * @param {number} ratio device px per CSS px
 */
export function hatchPattern(context, cause, ratio) {
  const colour = cause === "steal" ? theme().steal : theme().gap;
  const key = `${cause} ${colour} ${ratio}`;
  const made = patterns.get(key) ?? makePattern(context, HATCHES[cause] ?? rising, colour, ratio);
  patterns.set(key, made);
  return made;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Hatch} hatch
 * @param {string} colour
 * @param {number} ratio
 */
function makePattern(context, hatch, colour, ratio) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = Math.round(TILE * ratio);
  const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
  pen.scale(tile.width / TILE, tile.height / TILE);
  pen.strokeStyle = colour;
  pen.lineWidth = 1.25;
  pen.beginPath();
  hatch((x1, y1, x2, y2) => {
    pen.moveTo(x1, y1);
    pen.lineTo(x2, y2);
  });
  pen.stroke();
  return /** @type {CanvasPattern} */ (context.createPattern(tile, "repeat"));
}

/**
 * A key to the charts.
 * @param {HTMLCanvasElement} canvas
 * @param {Cause} cause
 */
export function paintSwatch(canvas, cause) {
  const ratio = devicePixelRatio;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  canvas.width = canvas.height = 20 * ratio;
  context.fillStyle = theme()["gap-fill"];
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = hatchPattern(context, cause, ratio);
  context.fillRect(0, 0, canvas.width, canvas.height);
}

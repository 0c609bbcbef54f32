/** Behind "More": any span by its times, and ways to take away what is shown. */

import { composed, save } from "../charts/picture.js";
import { fieldText, fieldTime } from "../text/fields.js";
import { byId, write } from "./dom.js";

const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id));
const text = (/** @type {string} */ id) => byId(id).textContent ?? "";

/**
 * The clipboard is refused to pages on plain http: then a field with the text selected.
 * @param {string} what
 * @param {Language} language
 */
async function copy(what, { words }) {
  const field = input("copied");
  field.value = what;
  try {
    await navigator.clipboard.writeText(what);
    write(byId("copied-note"), words.text("copied"));
  } catch {
    write(byId("copied-note"), words.text("copy_by_hand"));
    field.hidden = false;
    field.select();
  }
}

/**
 * @param {Stretch} span
 * @param {number} step
 */
const historyQuery = ({ from, to }, step) => `api/history?from=${from}&to=${to}&step=${step}&series=modes,cores`;

/** @param {string} relative */
const absolute = (relative) => new URL(relative, location.href).href;

/**
 * @param {Stretch} span
 * @param {string} ending
 */
function fileName({ from, to }, ending) {
  const [first, last] = [from, to].map((at) => new Date(at * 1000).toISOString().slice(0, 16).replace(":", ""));
  return `cpu-${first}-${last}.${ending}`;
}

/** @param {Desk} desk */
function savePicture({ boot, charts, scene, clock, language }) {
  const frame = scene.frame(clock());
  const legend = [...document.querySelectorAll(".kinds li, #chosen:not([hidden])")].map((kind) => kind.textContent).join(", ");
  const strip = /** @type {HTMLCanvasElement} */ (document.querySelector("#cores-plot canvas"));
  const parts = [
    { title: text("samples-title"), canvas: charts.samples?.plot.ctx.canvas, left: 0 },
    { title: `${text("minutes-title")}: ${legend}`, canvas: charts.minutes?.plot.ctx.canvas, left: 0 },
    { title: text("cores-title"), canvas: strip.width > 1 ? strip : undefined, left: strip.offsetLeft },
  ];
  const known = parts.flatMap(({ canvas, ...part }) => (canvas ? [{ ...part, canvas }] : []));
  const lines = [`CPU · ${boot.host}`, `${text("span")} · ${language.format.zone(frame.to)}`, text("samples-summary")];
  save(composed(lines, known), fileName(frame, "png"));
}

/**
 * @param {Desk} desk
 * @param {import("../model/navigation.js").Navigation} go
 */
export function attachMore(desk, go) {
  const { scene, clock, language } = desk;
  const details = /** @type {HTMLDetailsElement} */ (byId("more"));
  const step = () => scene.series.fine.step;

  details.addEventListener("toggle", () => {
    const { from, to } = scene.span(clock());
    input("field-from").value = fieldText(from, language.format.offset);
    input("field-to").value = fieldText(to, language.format.offset);
    /** @type {HTMLAnchorElement} */ (byId("save-table")).href = `api/history?format=csv&from=${from}&to=${to}&step=${step()}&series=modes,cores`;
    input("copied").hidden = true;
    write(byId("copied-note"), "");
  });
  byId("fields").addEventListener("submit", (submit) => {
    submit.preventDefault();
    const [from, to] = ["field-from", "field-to"].map((id) => fieldTime(input(id).value, language.format.offset));
    if (typeof from !== "number" || typeof to !== "number" || from >= to) return input("field-to").focus();
    details.open = false;
    go.zoom({ from, to });
  });
  byId("copy-link").addEventListener("click", () => copy(absolute(location.search || "?range=1h"), language));
  byId("copy-curl").addEventListener("click", () => {
    copy(`curl '${absolute(historyQuery(scene.span(clock()), step()))}'`, language);
  });
  byId("save-picture").addEventListener("click", () => savePicture(desk));
  document.addEventListener("click", ({ target }) => {
    if (details.open && target instanceof Node && !details.contains(target)) details.open = false;
  });
  details.addEventListener("keydown", (press) => {
    if (press.key !== "Escape" || !details.open) return;
    press.stopPropagation();
    details.open = false;
    /** @type {HTMLElement} */ (details.firstElementChild).focus();
  });
}

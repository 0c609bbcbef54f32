/** Wiring of the fleet's page: what the reader asks is fetched block by block, as it scrolls into view, and again and again. */

import { paintStrip, paintTotal, shareAt } from "./charts/strip.js";
import { onThemeChange } from "./charts/theme.js";
import { addressFor, askedBy, blocksOf, cellAt, pageOf, queryFor } from "./model/fleet.js";
import { fetchJson } from "./net/ask.js";
import { createFormat, createWords, knownZone, localeFor } from "./text/language.js";
import { byId, make, write } from "./ui/dom.js";

const REFRESH_MS = 5000;
/** Typing settles so long before it is searched for. */
const TYPED_MS = 250;

/** @type {{texts: Record<string, string>, lang: string}} */
const boot = JSON.parse(byId("boot").textContent ?? "");
const words = createWords(boot.texts, boot.lang);
const clock = () => Date.now() / 1000;
const zone = knownZone(Intl.DateTimeFormat().resolvedOptions().timeZone);
const format = createFormat(localeFor(boot.lang, navigator.languages), zone, words, clock);

const list = byId("machines");
const total = /** @type {HTMLCanvasElement} */ (byId("total"));
let asked = askedBy(location.search);
/** @type {FleetBody | null} */
let newest = null;
/** Blocks that can be seen. @type {Set<HTMLElement>} */
const seen = new Set();
/** What each canvas shows. @type {WeakMap<Element, Machine>} */
const shown = new WeakMap();
/** Counts up with each question: an answer to an older one is passed over. */
let round = 0;

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const block = /** @type {HTMLElement} */ (target);
    if (!isIntersecting) {
      seen.delete(block);
      continue;
    }
    seen.add(block);
    if (!block.childElementCount) void fill(block);
  }
}, { rootMargin: "200px" });

/** @param {Machine} machine */
function nameOf({ host, labels }) {
  const link = make("a", { href: pageOf(labels, asked.range) }, host || "–");
  link.title = Object.entries(labels).map(([name, text]) => `${name}=${text}`).join(" ");
  return link;
}

/** @param {Machine} machine */
function rowOf(machine) {
  const row = make("li");
  const name = make("p");
  name.append(nameOf(machine));
  if (machine.now === null) {
    const time = machine.last === null ? "–" : format.moment(machine.last, clock());
    name.append(make("small", {}, words.text("fleet_silent", { time })));
    row.dataset.silent = "";
  }
  const strip = document.createElement("canvas");
  strip.setAttribute("role", "img");
  const figures = [machine.now, machine.mean, machine.max].map((value) => format.percent(value));
  strip.setAttribute("aria-label", words.text("fleet_strip", { mean: figures[1] ?? "", max: figures[2] ?? "" }));
  row.append(name, strip, ...figures.map((text) => make("span", {}, text)));
  shown.set(strip, machine);
  return row;
}

function paint() {
  for (const block of seen) {
    for (const strip of block.querySelectorAll("canvas")) paintStrip(strip, shown.get(strip)?.cells ?? []);
  }
  if (newest) paintTotal(total, newest, format);
}

/** @param {FleetBody} fleet */
function showAll(fleet) {
  newest = fleet;
  const sizes = blocksOf(fleet.count);
  while (list.childElementCount > sizes.length) {
    const last = /** @type {HTMLElement} */ (list.lastElementChild);
    watcher.unobserve(last);
    seen.delete(last);
    last.remove();
  }
  sizes.forEach((size, index) => {
    const known = /** @type {HTMLElement | undefined} */ (list.children[index]);
    const block = known ?? /** @type {HTMLElement} */ (make("ol"));
    block.style.setProperty("--rows", String(size));
    block.dataset.block = String(index);
    if (known) return;
    list.append(block);
    watcher.observe(block);
  });
  const mean = fleet.total.filter((value) => value !== null).slice(-1)[0] ?? null;
  write(byId("count"), words.plural("fleet_count", fleet.count));
  /* It is that of all, whatever is searched for. */
  write(byId("mean"), asked.search ? "" : words.text("fleet_mean", { mean: format.percent(mean) }));
  byId("engine").hidden = fleet.engine === "ok";
  write(byId("engine-reason"), fleet.engine === "ok" ? "" : fleet.engine);
  byId("none").hidden = fleet.count > 0;
}

/**
 * Fetch a block's machines and show them; the first block tells of all of them too.
 * @param {HTMLElement} block
 */
async function fill(block) {
  const mine = round;
  try {
    const fleet = /** @type {FleetBody} */ (await fetchJson(`api/fleet?${queryFor(asked, Number(block.dataset.block))}`));
    if (mine !== round) return;
    showAll(fleet);
    renew(block, fleet.machines.map(rowOf));
    paint();
    document.documentElement.dataset.ready = "";
  } catch (error) {
    if (mine !== round) return;
    byId("engine").hidden = false;
    write(byId("engine-reason"), error instanceof Error ? error.message : "");
  }
}

/**
 * Rows in the place of others; whoever stands on a machine with the keyboard stays on it.
 * @param {HTMLElement} block
 * @param {HTMLElement[]} rows
 */
function renew(block, rows) {
  const focused = document.activeElement;
  const address = focused && block.contains(focused) ? focused.getAttribute("href") : null;
  block.replaceChildren(...rows);
  if (address === null) return;
  const links = /** @type {HTMLElement[]} */ ([...block.querySelectorAll("a")]);
  links.find((link) => link.getAttribute("href") === address)?.focus({ preventScroll: true });
}

/** The address, and what leads from it to the same view otherwise. */
function showAsked() {
  const query = addressFor(asked);
  history.replaceState(null, "", query || location.pathname);
  for (const link of document.querySelectorAll("a[data-range]")) {
    const isCurrent = /** @type {HTMLElement} */ (link).dataset.range === asked.range;
    if (isCurrent) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  for (const link of document.querySelectorAll("nav a[hreflang]")) {
    link.setAttribute("href", `${query ? `${query}&` : "?"}lang=${link.getAttribute("hreflang")}`);
  }
}

/** Ask anew, and forget what was asked for before. */
function ask() {
  round += 1;
  showAsked();
  const first = /** @type {HTMLElement | null} */ (list.firstElementChild);
  for (const block of list.children) if (block !== first && !seen.has(/** @type {HTMLElement} */ (block))) block.replaceChildren();
  void fill(first ?? begin());
  for (const block of seen) if (block !== first) void fill(block);
}

function begin() {
  const block = make("ol");
  block.dataset.block = "0";
  list.append(block);
  watcher.observe(block);
  return block;
}

/** What stands in the picture of all machines under a pointer. @param {number} clientX */
function totalAt(clientX) {
  const cell = newest && cellAt(shareAt(total, clientX), newest.total.length);
  if (!newest || cell === null) return "";
  const { start, step, total: means, spread } = newest;
  const [mean, low, high] = [means, spread.low, spread.high].map((column) => format.percent(column[cell] ?? null));
  const time = format.moment(start + cell * step, clock());
  return words.text("fleet_total_cell", { time, mean: mean ?? "", low: low ?? "", high: high ?? "" });
}

/** @param {PointerEvent} event */
function read(event) {
  const strip = /** @type {Element} */ (event.target).closest("canvas");
  if (strip === total) return write(byId("readout"), totalAt(event.clientX));
  const machine = strip && shown.get(strip);
  if (!strip || !machine || !newest) return write(byId("readout"), "");
  const { left, width } = strip.getBoundingClientRect();
  const cell = cellAt((event.clientX - left) / width, machine.cells.length);
  if (cell === null) return write(byId("readout"), "");
  const time = newest.start + cell * newest.step;
  const told = { host: machine.host, time: format.moment(time, clock()), cpu: format.percent(machine.cells[cell] ?? null) };
  return write(byId("readout"), words.text("fleet_cell", told));
}

const search = /** @type {HTMLInputElement} */ (byId("search"));
const sort = /** @type {HTMLSelectElement} */ (byId("sort"));
let typed = 0;
search.value = asked.search;
sort.value = asked.sort;
search.addEventListener("input", () => {
  clearTimeout(typed);
  typed = window.setTimeout(() => {
    asked = { ...asked, search: search.value };
    ask();
  }, TYPED_MS);
});
sort.addEventListener("change", () => {
  asked = { ...asked, sort: sort.value };
  ask();
});
for (const link of document.querySelectorAll("[data-range]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    asked = { ...asked, range: /** @type {HTMLElement} */ (link).dataset.range ?? asked.range };
    ask();
  });
}
for (const part of [list, total]) {
  part.addEventListener("pointermove", read);
  part.addEventListener("pointerdown", read);
}
/* From machine to machine, and between them and the search field. */
document.querySelector("main")?.addEventListener("keydown", (event) => {
  const press = /** @type {KeyboardEvent} */ (event);
  const step = { ArrowDown: 1, ArrowUp: -1 }[press.key];
  const stops = /** @type {HTMLElement[]} */ ([search, ...list.querySelectorAll("li a")]);
  const place = stops.indexOf(/** @type {HTMLElement} */ (press.target));
  if (step === undefined || place < 0) return;
  press.preventDefault();
  stops[place + step]?.focus();
});
/* A tap on a strip tells what stands there; a click of the mouse, which has been told that already, opens the machine. */
list.addEventListener("click", (event) => {
  const { target, pointerType } = /** @type {PointerEvent} */ (event);
  if (pointerType !== "mouse" || !(target instanceof Element) || target.closest("a")) return;
  /** @type {HTMLElement | null | undefined} */ (target.closest("li")?.querySelector("a"))?.click();
});
addEventListener("resize", paint);
onThemeChange(paint);
setInterval(() => {
  if (!document.hidden) ask();
}, REFRESH_MS);
ask();

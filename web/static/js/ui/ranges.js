/** The bar above the charts: ranges, earlier and later, back to the live hour. */

import { isFollowing, parseView } from "../model/view.js";
import { addressOf } from "./address.js";
import { byId } from "./dom.js";

/** @typedef {import("../model/navigation.js").Navigation} Navigation */

/** @returns {HTMLAnchorElement[]} */
const links = () => [...document.querySelectorAll("a[data-range]")].map((link) => /** @type {HTMLAnchorElement} */ (link));

/**
 * On a narrow screen the ranges are swiped: the edge behind which there are more says so.
 * @param {HTMLElement} bar
 */
function tellMore(bar) {
  bar.toggleAttribute("data-before", bar.scrollLeft > 4);
  bar.toggleAttribute("data-after", bar.scrollLeft + bar.clientWidth < bar.scrollWidth - 4);
}

/** @param {HTMLElement} link */
function bringIntoView({ parentElement: bar, offsetLeft: left, offsetWidth: width }) {
  if (!bar || bar.scrollWidth <= bar.clientWidth) return;
  bar.scrollLeft = left - bar.offsetLeft - (bar.clientWidth - width) / 2;
}

/** @param {Navigation} go */
export function attachRanges(go) {
  const bar = /** @type {HTMLElement} */ (document.querySelector(".ranges nav"));
  bar.addEventListener("scroll", () => tellMore(bar), { passive: true });
  new ResizeObserver(() => tellMore(bar)).observe(bar);
  for (const link of links()) {
    link.addEventListener("click", (click) => {
      /* A link that is opened elsewhere is opened elsewhere. */
      if (click.ctrlKey || click.metaKey || click.shiftKey) return;
      click.preventDefault();
      go.range(link.dataset.range ?? "");
    });
  }
  byId("earlier").addEventListener("click", () => go.pan(-1));
  byId("later").addEventListener("click", () => go.pan(1));
}

/** From what happened to when it did. @param {Navigation} go */
export function attachJumps(go) {
  byId("gaps").addEventListener("click", (click) => {
    const link = click.target instanceof Element ? click.target.closest("a[data-jump]") : null;
    if (!link || click.ctrlKey || click.metaKey || click.shiftKey) return;
    click.preventDefault();
    const view = parseView(/** @type {HTMLAnchorElement} */ (link).search);
    if (!isFollowing(view)) go.zoom(view);
  });
}

/**
 * @param {View} view
 * @param {Frame} frame
 * @param {number} now the newest grid time
 */
export function showRanges(view, { to }, now) {
  for (const link of links()) {
    const isCurrent = isFollowing(view) && view.range === link.dataset.range;
    if (isCurrent && !link.hasAttribute("aria-current")) {
      link.setAttribute("aria-current", "true");
      if (link.closest("nav")) bringIntoView(link);
    } else if (!isCurrent) link.removeAttribute("aria-current");
    link.search = addressOf({ range: link.dataset.range ?? "" });
  }
  /** @type {HTMLButtonElement} */ (byId("later")).disabled = to >= now;
}

/** The same view otherwise. @param {View} view */
export function showLinks(view) {
  /** @type {HTMLAnchorElement} */ (byId("wall")).search = `${addressOf(view)}&view=wall`;
  showLanguages(view);
}

/** In the other languages. @param {View} view */
export function showLanguages(view) {
  for (const link of document.querySelectorAll("nav a[hreflang]")) {
    const query = `${addressOf(view)}&lang=${link.getAttribute("hreflang")}`;
    if (link.getAttribute("href") !== query) link.setAttribute("href", query);
  }
}

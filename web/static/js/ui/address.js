/** The address of the page, which names the view. Alone knows location and history. */

import { parseView, viewQuery } from "../model/view.js";

/** The view that the address names. */
export const addressedView = () => parseView(location.search);

/** How many views before this one the page itself has shown. */
export const depth = () => Number(history.state?.depth ?? 0);

/**
 * @param {View} view
 * @returns the page with this view, beginning with `?`
 */
export function addressOf(view) {
  const query = new URLSearchParams(location.search);
  for (const name of ["range", "from", "to", "lang"]) query.delete(name);
  return `?${[viewQuery(view), query.toString()].filter(Boolean).join("&")}`;
}

/**
 * @param {View} view
 * @param {"push" | "replace"} how as a step of its own to which the browser goes back, or in place of the present one
 */
export function writeAddress(view, how) {
  if (how === "push") history.pushState({ depth: depth() + 1 }, "", addressOf(view));
  else history.replaceState(history.state, "", addressOf(view));
}

/** @param {() => void} onBack the browser went back or forward */
export function followAddress(onBack) {
  addEventListener("popstate", onBack);
}

/**
 * What the address says beside the view.
 * @param {string} name
 * @returns "" where it says nothing
 */
export const addressed = (name) => new URLSearchParams(location.search).get(name) ?? "";

/**
 * In place of the present address: a choice is no step back.
 * @param {string} name
 * @param {string} value "" leaves it out
 */
export function writeAddressed(name, value) {
  const query = new URLSearchParams(location.search);
  query.delete(name);
  if (value) query.set(name, value);
  history.replaceState(history.state, "", `?${query}`);
}

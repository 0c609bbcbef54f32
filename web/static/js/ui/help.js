/** What the figures mean and what keys and gestures do, behind "?". */

import { byId } from "./dom.js";

const dialog = () => /** @type {HTMLDialogElement} */ (byId("help"));

export function openHelp() {
  if (!dialog().open) dialog().showModal();
}

export function attachHelp() {
  byId("help-open").addEventListener("click", openHelp);
  byId("help-close").addEventListener("click", () => dialog().close());
  /* Of what lies beside the dialog it is the target itself. */
  dialog().addEventListener("click", ({ target }) => target === dialog() && dialog().close());
}

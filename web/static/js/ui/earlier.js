/** The choice of an earlier span to compare with: the address holds it, the readout tells its value. */

import { chosen, cpuAt, distance, offered, wantedEarlier } from "../model/earlier.js";
import { fetchEarlier } from "../net/beside.js";
import { Latest } from "../net/latest.js";
import { addressed, writeAddressed } from "./address.js";
import { byId } from "./dom.js";

const COMPARE = "compare";

export class Earlier {
  /** @type {HistoryBody | null} */ #body = null;
  /** @type {import("../model/earlier.js").Choice | null} */ #choice = null;
  #back = 0;
  /** Counts what was fetched. */
  #revision = 0;

  /** @param {Pick<Desk, "scene" | "language" | "paint">} desk */
  constructor({ scene, language, paint }) {
    this.scene = scene;
    this.language = language;
    this.select = /** @type {HTMLSelectElement} */ (byId(COMPARE));
    this.latest = new Latest(fetchEarlier, (body) => {
      this.#load(body);
      paint();
    });
    this.select.addEventListener("change", () => {
      writeAddressed(COMPARE, this.select.value);
      paint();
    });
  }

  /** @param {HistoryBody | null} body */
  #load(body) {
    this.#body = body;
    this.#revision += 1;
  }

  /** Names what lies beneath the picture. */
  get version() {
    return `${this.#revision} ${this.#back}`;
  }

  get beneath() {
    return this.#body && { body: this.#body, back: this.#back };
  }

  /** @param {Frame} frame */
  show({ from, to }) {
    const choices = offered(this.scene.view, to - from);
    this.#choose(chosen(addressed(COMPARE), choices));
    this.select.disabled = choices.length === 0;
    for (const option of this.select.options) {
      option.hidden = option.disabled = option.value !== "" && !choices.some((choice) => choice === option.value);
    }
    this.select.value = this.#choice ?? "";
    this.select.parentElement?.toggleAttribute("data-on", this.#choice !== null);
    if (!this.#choice || !this.scene.isShown) return;
    this.#back = distance(this.#choice, { from, to }, this.language.format.offset);
    const wanted = wantedEarlier({ from, to }, this.#back, this.scene.series.fine.step);
    this.latest.want(JSON.stringify(wanted), wanted);
  }

  /** @param {import("../model/earlier.js").Choice | null} choice */
  #choose(choice) {
    if (choice === this.#choice) return;
    this.#choice = choice;
    this.#load(null);
    this.latest.drop();
  }

  /**
   * "a week before: 12.5 %"
   * @param {number} time
   * @returns {string[]}
   */
  tell(time) {
    if (!this.#body) return [];
    const { words, format } = this.language;
    const cpu = cpuAt(this.#body, time - this.#back);
    return [words.text(`readout_${this.#choice}`, { cpu: cpu === null ? words.text("readout_nothing") : format.percent(cpu) })];
  }
}

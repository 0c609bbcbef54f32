/** What is usual: the sentence about this hour, the choice of the band, and what the readout says of it. */

import { LONGEST_USUAL_S, Usual, wantedUsual } from "../model/usual.js";
import { fetchQuarterHours } from "../net/beside.js";
import { Latest } from "../net/latest.js";
import { createOffset, knownZone } from "../text/language.js";
import { addressed, writeAddressed } from "./address.js";
import { byId, write } from "./dom.js";

const USUAL = "usual";

export class UsualHours {
  /** Of this hour; null while it is not known. @type {Usual | null} */ #now = null;
  /** Of the picture. @type {Usual | null} */ #shown = null;
  /** Counts what was fetched. */
  #revision = 0;
  /** @type {Stretch} */ #span = { from: 0, to: 0 };
  #isOn = false;

  /** @param {Pick<Desk, "boot" | "language" | "paint">} desk */
  constructor({ boot, language, paint }) {
    this.language = language;
    this.box = /** @type {HTMLInputElement} */ (byId(USUAL));
    const offset = createOffset(knownZone(boot.zone) ?? "UTC");
    /** @param {(usual: Usual | null) => void} keep */
    const latest = (keep) => new Latest(fetchQuarterHours, (body) => {
      keep(body && new Usual(body, offset));
      this.#revision += 1;
      paint();
    });
    this.latestNow = latest((usual) => (this.#now = usual));
    this.latestShown = latest((usual) => (this.#shown = usual));
    this.box.addEventListener("change", () => {
      writeAddressed(USUAL, this.box.checked ? "1" : "");
      paint();
    });
  }

  /** Names what lies beneath the picture. */
  get version() {
    const { from, to } = this.#span;
    return this.#isOn ? `${this.#revision} ${from} ${to}` : "";
  }

  /** The hours of the picture; none while they are not asked for. */
  get beneath() {
    return this.#isOn && this.#shown ? this.#shown.hours(this.#span) : [];
  }

  /**
   * @param {Frame} frame
   * @param {number} now the newest grid time
   */
  show({ from, to }, now) {
    this.#want(this.latestNow, { from: now, to: now });
    this.#tellNow(now);
    const isOffered = this.#now?.isKnown === true && to - from <= LONGEST_USUAL_S;
    this.#isOn = isOffered && addressed(USUAL) !== "";
    this.#span = { from, to };
    this.box.disabled = !isOffered;
    this.box.checked = addressed(USUAL) !== "";
    this.box.parentElement?.toggleAttribute("data-on", this.#isOn);
    if (this.#isOn) this.#want(this.latestShown, { from, to });
  }

  /**
   * @param {Latest<Stretch, HistoryBody>} latest
   * @param {Stretch} span
   */
  #want(latest, span) {
    const wanted = wantedUsual(span);
    latest.want(`${wanted.from} ${wanted.to}`, wanted);
  }

  /** "usual for Fri 08:00: 5–20 %" @param {number} now */
  #tellNow(now) {
    const { words, format } = this.language;
    const hour = this.#now?.at(now);
    const missing = this.#now && !this.#now.isKnown ? words.text("usual_later") : "";
    const text = hour ? words.text("usual_hour", { hour: format.weekHour(hour.from), band: this.#band(hour) }) : missing;
    write(byId("usual-now"), text);
  }

  /** "5–20 %" @param {import("../model/usual.js").UsualHour} hour */
  #band({ low, high }) {
    const { format } = this.language;
    const [least, most] = [low, high].map(Math.round);
    return least === most ? format.whole(high) : `${least}–${format.whole(high)}`;
  }

  /**
   * Of the slot that ends then.
   * @param {number} time
   * @returns {string[]}
   */
  tell(time) {
    const hour = this.#isOn ? this.#shown?.at(time - 1) : null;
    return hour ? [this.language.words.text("readout_usual", { band: this.#band(hour) })] : [];
  }
}

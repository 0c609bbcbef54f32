/** Whom the reader chose: the address holds it, a chip beside the averages names it, and its share is drawn over them. */

import { Overlay } from "../charts/overlay.js";
import { culpritText, parseCulprit } from "../model/culprit.js";
import { Shares } from "../model/shares.js";
import { fetchShares } from "../net/beside.js";
import { Latest } from "../net/latest.js";
import { shortName } from "../text/who.js";
import { addressed, writeAddressed } from "./address.js";
import { byId, write } from "./dom.js";

const WHO = "who";

export class Chosen {
  /** Of all names, for the small lines of the list as well. */
  shares = new Shares();
  /** @type {Overlay | null} */ #overlay = null;
  /** @type {Latest<Stretch & {step: number}, SharesBody>} */ #latest;

  /** @param {Pick<Desk, "scene" | "charts" | "language" | "paint">} desk */
  constructor({ scene, charts, language, paint }) {
    this.scene = scene;
    this.charts = charts;
    this.language = language;
    this.paint = paint;
    this.#latest = new Latest(fetchShares, (body) => {
      if (body) this.shares.load(body);
      paint();
    });
    byId("chosen").addEventListener("click", () => this.drop());
  }

  get #culprit() {
    return parseCulprit(addressed(WHO));
  }

  /** As of culpritText; empty while nobody is chosen. */
  get name() {
    const culprit = this.#culprit;
    return culprit ? culpritText(culprit) : "";
  }

  /**
   * Once more takes it off.
   * @param {string} name as of culpritText
   */
  toggle(name) {
    writeAddressed(WHO, name === this.name ? "" : name);
    this.paint();
  }

  /** @returns {boolean} whether anybody was chosen */
  drop() {
    if (!this.#culprit) return false;
    this.toggle(this.name);
    return true;
  }

  /**
   * @param {Frame} frame
   * @param {boolean} isAllowed whether names may be asked for
   */
  show({ from, to }, isAllowed) {
    const { name } = this;
    const { step } = this.scene.series.coarse;
    const isShown = isAllowed && this.#culprit !== null;
    byId("chosen").hidden = !isShown;
    write(/** @type {Element} */ (byId("chosen").firstElementChild), shortName(this.#culprit?.name ?? "", this.language.words));
    if (isAllowed && this.scene.isShown && from < to) {
      const wanted = this.shares.missing({ from, to }, step);
      this.#latest.want(`${step} ${Math.floor(from / step)} ${Math.floor(to / step)}`, wanted);
    }
    if (this.charts.minutes) this.#overlay ??= new Overlay(this.charts.minutes.plot);
    const version = isShown ? [name, this.shares.revision, from, to].join() : "";
    this.#overlay?.show(version, () => ({ portions: isShown ? this.shares.of(name, { from, to }) : [], step: this.shares.step }));
  }

  /**
   * "ffmpeg 63.4 %", of the average that covers the time; nothing where it is not among the first.
   * @param {number} time
   * @returns {string[]}
   */
  tell(time) {
    const { step } = this.shares;
    if (byId("chosen").hidden || step === 0) return [];
    const share = this.shares.at(this.name, Math.ceil(time / step) * step);
    const { words, format } = this.language;
    return share === null ? [] : [`${shortName(this.#culprit?.name ?? "", words)} ${format.percent(share)}`];
  }
}

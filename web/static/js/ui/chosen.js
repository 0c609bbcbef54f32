/** Whom the reader chose: the address holds it, a chip beside the averages names it, and its share is drawn over them. */

import { Layer } from "../charts/layer.js";
import { paintPortions } from "../charts/marks/portion.js";
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
  /** @type {Layer | null} */ #layer = null;
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
    const culprit = this.#culprit;
    const { scene, charts, shares, language } = this;
    const { step } = scene.series.coarse;
    byId("chosen").hidden = !isAllowed || !culprit;
    write(/** @type {Element} */ (byId("chosen").firstElementChild), shortName(culprit?.name ?? "", language.words));
    if (isAllowed && scene.isShown && from < to) {
      this.#latest.want(`${step} ${Math.floor(from / step)} ${Math.floor(to / step)}`, shares.missing({ from, to }, step));
    }
    if (charts.minutes) this.#draw(charts.minutes.plot, isAllowed ? this.name : "", { from, to });
  }

  /**
   * @param {uPlot} plot
   * @param {string} name empty for nobody
   * @param {Stretch} span
   */
  #draw(plot, name, span) {
    const { shares } = this;
    this.#layer ??= new Layer(plot, "draw");
    this.#layer.show(name && [name, shares.revision, span.from, span.to].join(), () => {
      const portions = name ? shares.of(name, span) : [];
      return () => paintPortions(plot, portions, shares.step);
    });
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

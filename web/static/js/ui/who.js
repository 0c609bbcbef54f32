/** The list of who used the CPU: in the moment under the cursor, or else in all that is shown. */

import { culpritText } from "../model/culprit.js";
import { SPARK_HEIGHT, sparkPath, SPARK_WIDTH } from "../model/spark.js";
import { Hold, reasons, shownView, wantedTop, wishName } from "../model/who.js";
import { fetchNaming, fetchTop } from "../net/beside.js";
import { Latest } from "../net/latest.js";
import { cpuTime, reasonText, remainders, seenSentence, shortName, topTitle, whereabouts } from "../text/who.js";
import { addressed, writeAddressed } from "./address.js";
import { byId, make, write } from "./dom.js";
import { replaceLines } from "./lines.js";

const BY = "by";
const SVG = "http://www.w3.org/2000/svg";
const [UNAUTHORIZED, FORBIDDEN] = [401, 403];
/** How names are read is asked again so often, s. */
const NAMING_S = 600;

/** @param {string} path */
function picture(path) {
  const [svg, area] = [document.createElementNS(SVG, "svg"), document.createElementNS(SVG, "path")];
  const size = { viewBox: `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  for (const [name, value] of Object.entries(size)) svg.setAttribute(name, value);
  area.setAttribute("d", path);
  svg.append(area);
  return svg;
}

export class WhoDidIt {
  /** @type {TopBody | null} */ #top = null;
  /** The status of the last answer that failed; null while nothing is wrong. @type {number | null} */ #failure = null;
  /** @type {Naming} */ #naming;
  /** What the list was written for. */
  #listed = "";
  #hold = new Hold();
  /** When the page told how names are read, in units of NAMING_S. */
  #told;

  /**
   * @param {Pick<Desk, "boot" | "state" | "scene" | "language" | "clock" | "paint">} desk
   * @param {import("./chosen.js").Chosen} chosen
   */
  constructor(desk, chosen) {
    this.desk = desk;
    this.chosen = chosen;
    this.#naming = desk.boot.who;
    this.#told = Math.floor(desk.clock() / NAMING_S);
    this.tops = new Latest(fetchTop, (top, error) => this.#take(top, error));
    this.namings = new Latest(fetchNaming, (now) => (this.#naming = now?.who ?? this.#naming));
    for (const by of ["unit", "process"]) byId(`by-${by}`).addEventListener("click", () => this.#choose(by));
    byId("who-list").addEventListener("click", ({ target }) => {
      const line = target instanceof Element ? target.closest("li") : null;
      if (line) chosen.toggle(line.dataset.who ?? "");
    });
  }

  get isAllowed() {
    return this.#naming.shown;
  }

  get #by() {
    return shownView(addressed(BY), this.#naming);
  }

  /** @param {string} by */
  #choose(by) {
    writeAddressed(BY, by);
    this.desk.paint();
  }

  /**
   * @param {TopBody | null} top
   * @param {unknown} error
   */
  #take(top, error) {
    const status = error instanceof Object && "status" in error ? Number(error.status) : 0;
    if (status === FORBIDDEN) this.#naming = { ...this.#naming, shown: false };
    this.#failure = top ? null : status;
    this.#top = top ?? this.#top;
    this.desk.paint();
  }

  /** @param {Frame} frame */
  show(frame) {
    if (this.isAllowed) this.#ask(frame);
    this.#tell();
    this.#list(frame);
  }

  /** @param {Frame} frame */
  #ask({ from, to }) {
    const { state, scene, clock } = this.desk;
    const isInside = byId("who").matches(":hover, :focus-within");
    const period = Math.floor(clock() / NAMING_S);
    if (period !== this.#told && state.newest) this.namings.want(String(period), null);
    if (this.#hold.keeps(state.cursor, isInside, clock()) || !scene.isShown || from >= to) return;
    const wish = wantedTop(state.cursor, scene.series.fine.step, { from, to }, this.#by);
    this.tops.want(wishName(wish, scene.view, state.cursor), wish);
  }

  /** What is said above and below the list. */
  #tell() {
    const { language } = this.desk;
    byId("by").hidden = !this.isAllowed;
    for (const by of ["unit", "process"]) byId(`by-${by}`).setAttribute("aria-pressed", String(by === this.#by));
    const isAwaited = this.isAllowed && this.#failure === null;
    write(byId("who-span"), this.isAllowed && this.#top ? topTitle(this.#top, language) : isAwaited ? language.words.text("loading") : "");
    write(byId("who-note"), this.#note());
  }

  #note() {
    const { state, language } = this.desk;
    const { text } = language.words;
    if (!this.isAllowed) return text("who_private");
    if (this.#failure !== null) return text(this.#failure === UNAUTHORIZED ? "failed_401" : "failed");
    const why = reasons(this.#naming, this.#by, state.interval).map((key) => reasonText(key, this.#naming, language));
    const none = this.#top?.top.length === 0 && why.length === 0 ? [text("who_none")] : [];
    return [...none, ...why].join(" ");
  }

  /** @param {Frame} frame */
  #list(frame) {
    const { language } = this.desk;
    const { chosen } = this;
    const top = this.isAllowed ? this.#top : null;
    const version = JSON.stringify([top, chosen.name, chosen.shares.revision, language.format.zone(frame.to)]);
    if (version === this.#listed) return;
    this.#listed = version;
    replaceLines(byId("who-list"), top ? this.#lines(top, frame) : []);
    const rest = top ? remainders(top, language) : [];
    byId("who-rest").replaceChildren(...rest.map(({ name, text }) => {
      const { text: say, knows } = language.words;
      const about = `about_${name}`;
      const word = make("dt", knows(about) ? { title: say(about) } : {}, say(`who_${name}`));
      return make("div", {}, word, make("dd", {}, text));
    }));
  }

  /**
   * @param {TopBody} top
   * @param {Frame} frame
   */
  #lines({ by, top }, frame) {
    const { shares, name: chosen } = this.chosen;
    const all = top.map((leader) => {
      const name = culpritText({ ...leader, by });
      return { leader, name, portions: shares.of(name, frame) };
    });
    const highest = Math.max(1, ...all.flatMap(({ portions }) => portions.map(({ share }) => share ?? 0)));
    return all.map(({ leader, name, portions }) => {
      const path = sparkPath(portions, shares.step, frame, highest);
      return make("li", { "data-who": name }, this.#button(leader, picture(path), name === chosen));
    });
  }

  /**
   * @param {Leader} leader
   * @param {Element} line
   * @param {boolean} isChosen
   */
  #button(leader, line, isChosen) {
    const { language } = this.desk;
    const { words, format } = language;
    const seen = seenSentence(leader, language);
    const name = make("span", { class: "whom" }, make("bdi", {}, shortName(leader.name, words)), make("small", {}, whereabouts(leader, words)));
    const figures = [format.percent(leader.of_machine), cpuTime(leader.cpu_s, language)].map((text) => make("span", {}, text));
    const attributes = { type: "button", "aria-pressed": String(isChosen), title: `${leader.name} · ${seen}` };
    return make("button", attributes, name, line, ...figures, ...(isChosen ? [make("small", { class: "seen" }, seen)] : []));
  }
}

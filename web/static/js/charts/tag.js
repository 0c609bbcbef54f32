/** The value under the cursor, beside it: the eye that follows the pointer need not look up for it. */

/** Pixels between the cursor's line and the tag. */
const ROOM = 8;

export class Tag {
  #node = document.createElement("div");

  /** @param {uPlot} plot */
  constructor(plot) {
    this.plot = plot;
    this.#node.className = "tag";
    /* The readout in the title says it, and more, to whoever listens. */
    this.#node.setAttribute("aria-hidden", "true");
    plot.over.append(this.#node);
  }

  /**
   * @param {number | null} time where the cursor stands
   * @param {string} text nothing takes the tag away
   */
  show(time, text) {
    const node = this.#node;
    node.hidden = time === null || text === "";
    if (time === null || node.hidden) return;
    if (node.textContent !== text) node.textContent = text;
    const { width } = this.plot.over.getBoundingClientRect();
    const left = this.plot.valToPos(time, "x");
    /* On the side where there is more room. */
    const isBefore = left > width / 2;
    node.style.left = isBefore ? "auto" : `${left + ROOM}px`;
    node.style.right = isBefore ? `${width - left + ROOM}px` : "auto";
  }
}

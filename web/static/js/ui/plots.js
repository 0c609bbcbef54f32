/** The two charts of a span, with the cursor that they share. */

import { averageChart } from "../charts/averages.js";
import { sampleChart } from "../charts/samples.js";
import { moveCursor } from "../model/cursor.js";
import { gridOf } from "../model/scene.js";
import { MINUTE_S } from "../model/units.js";
import { isFollowing } from "../model/view.js";
import { averageReadout } from "../text/sentences.js";
import { announce, byId } from "./dom.js";

/** As many points as there is room for, in steps: a window that is drawn wider does not ask for each pixel. */
export const points = () => Math.min(1500, Math.max(100, Math.ceil((byId("samples-plot").clientWidth - 70) / 100) * 100));

/** So finely a picture follows the clock: less than a pixel nobody sees. */
const MOVES = 1500;

export class Plots {
  /** Each once it is painted. @type {Charts} */ charts = {};

  /**
   * @param {Pick<Desk, "state" | "scene" | "clock" | "language" | "paint">} desk
   * @param {Labels} labels
   * @param {Readout} tellSample
   * @param {Readout} [tellAverage]
   */
  constructor(desk, labels, tellSample, tellAverage = averageReadout) {
    this.desk = desk;
    this.labels = labels;
    this.tellSample = tellSample;
    this.tellAverage = tellAverage;
  }

  /** To the nearest slot of a grid. @type {Desk["moveTo"]} */
  moveTo = (time, pinned, grid = "fine") => {
    this.desk.state.point(time, pinned, this.#slots(grid));
    this.desk.paint();
  };

  /** @type {Desk["onKey"]} */
  onKey = (press, readout, grid) => {
    const { state, scene, language } = this.desk;
    if (press.shiftKey && press.key.startsWith("Arrow")) return false;
    if (press.key === "Escape") {
      /* Where there is no cursor it is for somebody else. */
      if (!state.pinned || state.cursor === null) return false;
      this.moveTo(null, true);
      return true;
    }
    const time = moveCursor(press, state.cursor, this.#slots(grid));
    if (time === null) return false;
    this.moveTo(time, true, grid);
    announce(readout(time, scene.series, language));
    return true;
  };

  /**
   * The second chart may wait until the first is painted.
   * @param {Frame} frame
   * @param {boolean} isWhole
   */
  make(frame, isWhole) {
    const { charts } = this;
    const { series } = this.desk.scene;
    if (!charts.samples) {
      charts.samples = sampleChart(this.#surroundings("samples-plot", this.tellSample, "fine"), series.sampleColumns(frame.end), frame);
      requestAnimationFrame(() => setTimeout(() => (document.documentElement.dataset.ready = "")));
    }
    if (isWhole) charts.minutes ??= averageChart(this.#surroundings("minutes-plot", this.tellAverage, "coarse"), series.averageColumns(frame.end), frame);
  }

  /** Names what is painted. Between two slots a long span gets nothing from the stream. @param {Frame} frame */
  version({ from, to, gaps, beginning, pending, connection }) {
    const { state, scene, language } = this.desk;
    const { fine, coarse } = scene.series;
    const isFed = scene.isStreamed() || fine.step === state.interval || coarse.step === MINUTE_S;
    const grain = !isFed && scene.isShown && isFollowing(scene.view) ? (to - from) / MOVES : 1;
    const place = [from, to].map((at) => Math.floor(at / grain));
    const news = isFed && state.revision;
    return [scene.revision, ...place, fine.step, news, gaps.length, beginning, pending, connection, language.format.zone(to)].join();
  }

  /** One that the picture has moved away from is none. @param {Frame} frame */
  placeCursors({ from }) {
    const { state } = this.desk;
    if (state.cursor !== null && state.cursor < from) state.cursor = null;
    for (const each of Object.values(this.charts)) each.place(state.cursor);
  }

  /** The slots of one of the charts. @param {"fine" | "coarse"} grid */
  #slots(grid) {
    const { scene, clock } = this.desk;
    return gridOf(scene.frame(clock()), scene.series[grid].step);
  }

  /**
   * @param {string} id
   * @param {Readout} readout
   * @param {"fine" | "coarse"} grid of the chart's slots
   * @returns {Surroundings}
   */
  #surroundings(id, readout, grid) {
    const { state, language } = this.desk;
    return {
      node: byId(id),
      labels: this.labels,
      format: language.format,
      onCursor: (time) => void (state.pinned || this.moveTo(time, false)),
      onPointer: () => void (state.pinned = false),
      onKey: (press) => this.onKey(press, readout, grid),
    };
  }
}

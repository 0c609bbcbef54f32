/** Wiring of what only moving through time needs; loaded after the first picture. */

import { attachDrag } from "./charts/gestures/drag.js";
import { attachPinch } from "./charts/gestures/pinch.js";
import { attachWheel } from "./charts/gestures/wheel.js";
import { Cores } from "./charts/cores.js";
import { Underlay } from "./charts/underlay.js";
import { apart } from "./model/apart.js";
import { Navigation } from "./model/navigation.js";
import { isFollowing, viewQuery } from "./model/view.js";
import { fetchAverages } from "./net/api.js";
import { fetchDigest, fetchMachine } from "./net/beside.js";
import { Latest } from "./net/latest.js";
import { depth } from "./ui/address.js";
import { byId } from "./ui/dom.js";
import { Earlier } from "./ui/earlier.js";
import { attachHelp } from "./ui/help.js";
import { attachKeyboard } from "./ui/keyboard.js";
import { attachMore } from "./ui/more.js";
import { attachRanges, showRanges } from "./ui/ranges.js";
import { showStatistics } from "./ui/statistics.js";
import { UsualHours } from "./ui/usual.js";
import { attachZones, showZones } from "./ui/zones.js";

/**
 * The cores of the hour, each time a minute is over: the stream brings no averages of theirs.
 * @param {Desk} desk
 */
function coresOfTheHour({ scene, state, clock, paint }) {
  let asked = -1;
  return () => {
    const minute = Math.floor(state.end(clock()) / 60);
    if (!scene.isStreamed() || asked === minute) return;
    asked = minute;
    fetchAverages({ from: minute * 60 - 3600, to: minute * 60 }).then((averages) => {
      state.hour.loadAverages(averages);
      state.revision += 1;
      paint();
    }, () => undefined);
  };
}

/**
 * What is laid beside the picture: the same span earlier, and what is usual.
 * @param {Desk} desk
 */
function comparison(desk) {
  const { state, charts, clock, asides } = desk;
  const [earlier, usual] = [new Earlier(desk), new UsualHours(desk)];
  /** @type {Underlay | null} */
  let underlay = null;
  asides.push((time) => earlier.tell(time), (time) => usual.tell(time));
  return (/** @type {Frame} */ frame) => {
    earlier.show(frame);
    usual.show(frame, state.end(clock()));
    if (charts.samples) underlay ??= new Underlay(charts.samples.plot);
    underlay?.show(`${earlier.version} ${usual.version}`, () => ({ earlier: earlier.beneath, hours: usual.beneath }));
  };
}

/** @param {Desk} desk */
export function attach(desk) {
  const { scene, state, charts, clock, look, further, language } = desk;
  const go = new Navigation({
    span: () => scene.span(clock()),
    now: () => state.end(clock()),
    view: () => scene.view,
    look,
    depth,
    back: () => history.back(),
  });
  const cores = new Cores(byId("cores-plot"), language);
  const attached = new Set();

  /** A chart may come after this. */
  function attachGestures() {
    for (const chart of Object.values(charts)) {
      if (attached.has(chart)) continue;
      attached.add(chart);
      attachDrag(chart.plot, go);
      attachWheel(chart.plot, go);
      attachPinch(chart.plot, go);
    }
  }

  const follow = coresOfTheHour(desk);
  const machines = new Latest(fetchMachine, (machine) => Object.assign(desk.boot, machine && { boot_time: machine.boot_time }));
  /** Whenever the stream comes back the machine may have been booted anew. */
  const wantMachine = () => state.phase === "open" && machines.want(String(state.since), null);
  const digests = new Latest(fetchDigest, (digest) => {
    scene.digest = digest;
    desk.paint();
  });

  /** What moves with the clock has new figures once a minute. @param {Frame} frame */
  function wantDigest({ from, to }) {
    if (!scene.isShown || from >= to) return;
    const minute = isFollowing(scene.view) ? Math.floor(to / 60) : "";
    digests.want(`${viewQuery(scene.view)} ${minute}`, { from, to });
  }

  further.push(
    (frame) => showRanges(scene.view, frame, state.end(clock())),
    (frame, version) => cores.show(version, scene.series, frame, charts.samples?.plot),
    (frame) => cores.tell(state.cursor ?? frame.end, scene.series),
    attachGestures,
    comparison(desk),
    wantDigest,
    ({ to }) => showZones(desk.zones, to, language.words),
    () => showStatistics(scene.digest, language),
    follow,
    wantMachine,
  );
  [() => attachRanges(go), () => attachMore(desk, go), () => attachKeyboard(go, () => (state.pinned ? state.cursor : null)), attachHelp, () => attachZones(desk)].forEach(apart);
  desk.paint();
}

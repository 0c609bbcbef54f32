/** Wiring of what only moving through time needs; loaded after the first picture. */

import { attachTapElsewhere } from "./charts/gestures/finger.js";
import { Cores } from "./charts/cores.js";
import { Layer } from "./charts/layer.js";
import { paintEarlier } from "./charts/marks/earlier.js";
import { paintUsual } from "./charts/marks/usual.js";
import { theme } from "./charts/theme.js";
import { apart } from "./model/apart.js";
import { isFollowing, viewQuery } from "./model/view.js";
import { fetchAverages } from "./net/api.js";
import { fetchDigest, fetchMachine } from "./net/beside.js";
import { Latest } from "./net/latest.js";
import { Chosen } from "./ui/chosen.js";
import { byId } from "./ui/dom.js";
import { Earlier } from "./ui/earlier.js";
import { gesturesOf, navigationOf } from "./ui/gestures.js";
import { showRemarks } from "./ui/happened.js";
import { attachHelp, openHelp } from "./ui/help.js";
import { attachKeyboard } from "./ui/keyboard.js";
import { leadTo } from "./ui/lead.js";
import { attachMore } from "./ui/more.js";
import { attachPrint } from "./ui/print.js";
import { attachJumps, attachRanges, showLinks, showRanges } from "./ui/ranges.js";
import { showStatistics } from "./ui/statistics.js";
import { attachTable } from "./ui/tables.js";
import { attachStrip, showStrip } from "./ui/strip.js";
import { tagsOf } from "./ui/tags.js";
import { UsualHours } from "./ui/usual.js";
import { WhoDidIt } from "./ui/who.js";
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
 * What the summary tells; of what moves with the clock once a minute.
 * @param {Desk} desk
 * @returns {(frame: Frame) => void}
 */
function digestOfTheView({ scene, paint }) {
  const digests = new Latest(fetchDigest, (digest) => {
    scene.digest = digest;
    paint();
  });
  return ({ from, to }) => {
    if (!scene.isShown || from >= to) return;
    const minute = isFollowing(scene.view) ? Math.floor(to / 60) : "";
    digests.want(`${viewQuery(scene.view)} ${minute}`, { from, to });
  };
}

/**
 * Whenever the stream comes back the machine may have been booted anew.
 * @param {Desk} desk
 */
function machineOf({ boot, state }) {
  const machines = new Latest(fetchMachine, (machine) => Object.assign(boot, machine && { boot_time: machine.boot_time }));
  return () => state.phase === "open" && machines.want(String(state.since), null);
}

/**
 * With what the summary tells, once it does; on the way to another span the lines are those of the picture that is still
 * there.
 * @param {Desk} desk
 * @returns {(frame: Frame, version: string) => void}
 */
function remarksOf({ scene, language }) {
  return (frame, version) => {
    if (scene.isShown) showRemarks({ ...frame, ...(scene.digest && { busy: scene.digest.busy }) }, language, version === "");
  };
}

/**
 * What is laid beside the picture: the same span earlier, and what is usual.
 * @param {Desk} desk
 */
function comparison(desk) {
  const { state, charts, clock, asides } = desk;
  const [earlier, usual] = [new Earlier(desk), new UsualHours(desk)];
  /** @type {Layer | null} */
  let layer = null;
  asides.fine.push((time) => earlier.tell(time), (time) => usual.tell(time));
  return (/** @type {Frame} */ frame) => {
    earlier.show(frame);
    usual.show(frame, state.end(clock()));
    if (!charts.samples) return;
    const { plot } = charts.samples;
    layer ??= new Layer(plot, "drawClear");
    layer.show(`${earlier.version} ${usual.version}`, () => {
      const [before, hours] = [earlier.beneath, usual.beneath];
      return () => {
        paintUsual(plot, hours, theme().usual, theme().before);
        if (before) paintEarlier(plot, before.body, before.back, theme().before);
      };
    });
  };
}

/**
 * Who it was: the list, and whom the reader chose out of it.
 * @param {Desk} desk
 * @param {Chosen} chosen
 */
function culprits(desk, chosen) {
  const who = new WhoDidIt(desk, chosen);
  desk.asides.coarse.push((time) => chosen.tell(time));
  /* On a wall there is no list, and what is drawn was chosen before. */
  const isWall = document.documentElement.hasAttribute("data-wall");
  return (/** @type {Frame} */ frame) => {
    if (!isWall) who.show(frame);
    if (!isWall || chosen.name) chosen.show(frame, who.isAllowed);
  };
}

/** @param {Desk} desk */
export function attach(desk) {
  const { scene, state, charts, clock, further, language } = desk;
  const go = navigationOf(desk);
  const chosen = new Chosen(desk);
  const cores = new Cores(byId("cores-plot"), language.words);

  further.push(
    (frame) => showRanges(scene.view, frame, state.end(clock())),
    () => showLinks(scene.view),
    (frame, version) => cores.show(version, scene.series, frame, charts.samples?.plot),
    (frame) => showStrip(cores, desk, frame),
    gesturesOf(desk, go, leadTo),
    comparison(desk),
    tagsOf(desk),
    digestOfTheView(desk),
    ({ to }) => showZones(desk.zones, to, language.words),
    remarksOf(desk),
    culprits(desk, chosen),
    () => showStatistics(scene.digest, language),
    attachTable("samples", desk),
    attachTable("minutes", desk),
    coresOfTheHour(desk),
    machineOf(desk),
  );
  const parts = [
    () => attachRanges(go),
    () => attachJumps(go),
    () => attachMore(desk, go),
    () => attachKeyboard(go, () => (state.pinned ? state.cursor : null), { openHelp, drop: () => chosen.drop() }),
    attachHelp,
    () => attachZones(desk),
    () => attachPrint(charts, () => cores.show("", scene.series, scene.frame(clock()), charts.samples?.plot)),
    () => attachStrip(cores, desk),
    () => attachTapElsewhere(() => desk.moveTo(null, true)),
  ];
  parts.forEach(apart);
  if (desk.boot.push) void import("./push.js").then(({ showPush }) => further.push(showPush(desk)));
  desk.paint();
}

/**
 * How the receivers of samples fare: behind "?", and at the top of the page while something is wrong. Loaded only where
 * samples are pushed.
 */

import { fetchJson } from "./net/ask.js";
import { byId, make } from "./ui/dom.js";

/** So far behind, a receiver is more than slow. */
const LATE_S = 300;
/** So often it is asked how they fare. */
const ASKED_S = 60;

/**
 * Up to when a receiver has everything, what it refused, and its last error, which is told as it was said.
 * @type {Sentence<Standing, (Node | string)[]>}
 */
function fares({ receiver, until, behind, refused, refusal, problem }, { words, format }) {
  const english = (/** @type {string} */ text) => make("span", { lang: "en" }, text);
  const time = until === null ? "" : format.when(until);
  const key = until === null ? "push_nothing" : behind > 0 ? "push_behind" : "push_until";
  const lines = [words.text(key, { receiver, time, duration: format.duration(behind) })];
  const skipped = refused > 0 ? [" ", words.plural("push_refused", refused), " ", english(`${refusal ?? ""}.`)] : [];
  return [...lines, ...skipped, ...(problem === null ? [] : [" ", words.text("push_problem"), " ", english(`${problem}.`)])];
}

/**
 * @param {Pick<Desk, "boot" | "language" | "clock">} desk
 * @returns {() => void} called with each picture
 */
export function showPush({ boot, language, clock }) {
  let asked = -1;

  /** @param {Standing[]} receivers */
  function show(receivers) {
    const wrong = receivers.filter(({ problem, behind }) => problem !== null || behind > LATE_S);
    byId("push").replaceChildren(...receivers.map((one) => make("li", {}, ...fares(one, language))));
    byId("push-note").hidden = wrong.length === 0;
    byId("push-note").replaceChildren(...wrong.flatMap((one, i) => [...(i > 0 ? [" "] : []), ...fares(one, language)]));
  }

  show(boot.push ?? []);
  return () => {
    const turn = Math.floor(clock() / ASKED_S);
    if (turn === asked) return;
    asked = turn;
    /* What is not answered now is asked for a minute later. */
    fetchJson("api/now").then(({ push }) => show(push ?? []), () => undefined);
  };
}

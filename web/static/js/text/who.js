/** The words of the list of who used the CPU. Pure. */

const ROOT = "/";
/** Below this seconds are told with a decimal. */
const LONG_S = 10;
/** Less would be told as nothing. */
const LEAST_S = 0.05;

/**
 * As short as it still says who: without what each service ends in, and as it was before systemd wrote it down.
 * @param {string} name
 * @param {Words} words
 */
export function shortName(name, words) {
  if (name === ROOT) return words.text("who_root");
  return name.split("\\x2d").join("-").replace(/(.)\.service$/, "$1");
}

/**
 * "10 min 40 s", "4.2 s"
 * @type {Sentence<number>}
 */
export function cpuTime(seconds, { words, format }) {
  if (seconds >= LONG_S) return format.duration(Math.round(seconds));
  return `${format.number(Math.round(seconds * 10) / 10)}\u00a0${words.text("unit_s")}`;
}

/**
 * "10:03–11:03: 13 min 32 s of CPU time"
 * @type {Sentence<Pick<TopBody, "from" | "to" | "busy_s">>}
 */
export function topTitle({ from, to, busy_s: busy }, language) {
  const { words, format } = language;
  return words.text("who_span", { span: format.span(from, to), busy: cpuTime(busy, language) });
}

/**
 * Behind a process's name which one it is, and where it runs: "4121 · nginx"
 * @param {Leader} leader
 * @param {Words} words
 */
export function whereabouts({ pid, unit }, words) {
  if (pid === undefined) return "";
  return [String(pid), ...(unit && unit !== ROOT ? [shortName(unit, words)] : [])].join(" · ");
}

/**
 * Since when it runs, and when it was seen: "running since 09:12, seen 10:03–10:47"
 * @type {Sentence<Leader>}
 */
export function seenSentence({ started, first, last }, { words, format }) {
  const seen = words.text("who_seen", { span: format.span(first, last) });
  return started === undefined ? seen : `${words.text("who_started", { time: format.when(started) })}; ${seen}`;
}

/**
 * What stands in no name, as far as there is any: its word, and its CPU time.
 * @type {Sentence<TopBody, {name: string, text: string}[]>}
 */
export function remainders(top, language) {
  const parts = /** @type {const} */ ([["other", top.other_s], ["exited", top.exited_s], ["unattributed", top.unattributed_s], ["excess", top.excess_s]]);
  return parts.flatMap(([name, seconds]) => (seconds >= LEAST_S ? [{ name, text: cpuTime(seconds, language) }] : []));
}

/**
 * @param {string} key of reasons
 * @param {Naming} naming
 * @param {Language} language
 */
export function reasonText(key, { top, every, error, flags }, { words, format }) {
  return words.text(key, { top, duration: format.duration(every ?? 0), reason: error ?? "", flags: flags ?? "" });
}

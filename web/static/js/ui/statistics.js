/** The figures of what is shown, beside the list of what happened. */

import { byId, write } from "./dom.js";

/**
 * @param {Digest | null} digest
 * @param {Language} language
 */
export function showStatistics(digest, { words, format }) {
  const percent = (/** @type {Percent | undefined} */ value) => format.whole(value ?? null);
  const share = digest ? Math.floor(digest.recorded * 1000) / 10 : null;
  /** @type {Record<string, string>} */
  const figures = {
    mean: format.percent(digest?.mean ?? null),
    median: percent(digest?.p50),
    p95: percent(digest?.p95),
    max: percent(digest?.max),
    above: digest ? format.duration(Math.round(digest.above_s)) : "–",
    recorded: share === null ? "–" : words.text("share", { share: format.number(share) }),
  };
  for (const [name, text] of Object.entries(figures)) write(byId(`figure-${name}`), text);
}

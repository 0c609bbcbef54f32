/** The fleet: what a reader asks of it, and where its machines stand in the list. Pure. */

/** Machines that are fetched and drawn together. */
export const BLOCK = 50;

/** @typedef {{range: string, search: string, sort: string}} Asked */

/** @type {Asked} */
export const DEFAULTS = { range: "1h", search: "", sort: "silent" };

/**
 * What an address asks for, with what it leaves open.
 * @param {string} query as location.search
 * @returns {Asked}
 */
export function askedBy(query) {
  const given = new URLSearchParams(query);
  const asked = { ...DEFAULTS };
  for (const key of /** @type {(keyof Asked)[]} */ (Object.keys(DEFAULTS))) asked[key] = given.get(key) ?? DEFAULTS[key];
  return asked;
}

/**
 * The address of what is asked: only what differs from the defaults, so that the plainest is empty.
 * @param {Asked} asked
 */
export function addressFor(asked) {
  const kept = Object.entries(asked).filter(([key, value]) => value !== DEFAULTS[/** @type {keyof Asked} */ (key)]);
  const query = new URLSearchParams(kept).toString();
  return query && `?${query}`;
}

/**
 * The query for a block of the list.
 * @param {Asked} asked
 * @param {number} block
 */
export function queryFor(asked, block) {
  return new URLSearchParams({ ...asked, offset: String(block * BLOCK), limit: String(BLOCK) }).toString();
}

/**
 * How many machines each block of the list holds.
 * @param {number} count
 */
export function blocksOf(count) {
  return Array.from({ length: Math.ceil(count / BLOCK) }, (_, block) => Math.min(BLOCK, count - block * BLOCK));
}

/**
 * Where a machine lives itself, if it says so. A label is text from elsewhere: only an address of a page is a link.
 * @param {Record<string, string>} labels
 */
export const linkOf = ({ url = "" }) => (/^https?:\/\//i.test(url) ? url : null);

/**
 * The page of a machine: its own, else that which is drawn from the engine's data.
 * @param {Record<string, string>} labels all of them name it
 * @param {string} range as the fleet is looked at
 */
export function pageOf(labels, range) {
  const named = Object.entries(labels).map(([name, text]) => ["label", `${name}=${text}`]);
  return linkOf(labels) ?? `machine?${new URLSearchParams([["range", range], ...named])}`;
}

/**
 * The cell under a place in a strip, null beside it.
 * @param {number} share of the strip's width, from 0 to 1
 * @param {number} length cells
 */
export function cellAt(share, length) {
  return share >= 0 && share < 1 ? Math.floor(share * length) : null;
}

/**
 * Runs of cells without a value: [from, to) each.
 * @param {readonly (number | null)[]} cells
 */
export function holesIn(cells) {
  /** @type {[number, number][]} */
  const holes = [];
  cells.forEach((value, index) => {
    if (value !== null) return;
    const last = holes[holes.length - 1];
    if (last && last[1] === index) last[1] = index + 1;
    else holes.push([index, index + 1]);
  });
  return holes;
}

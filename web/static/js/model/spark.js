/** A small line: how one name's share went, as the path of a picture. Pure. */

/** Of the picture, in its own units. */
export const SPARK_WIDTH = 100;
export const SPARK_HEIGHT = 20;

/** @param {number} value */
const tenths = (value) => Math.round(value * 10) / 10;

/**
 * An area from the ground up, an average wide each; nothing where there is no share.
 * @param {import("./shares.js").Portion[]} portions
 * @param {number} step s
 * @param {Stretch} span the width of the picture
 * @param {number} highest percent, its height
 */
export function sparkPath(portions, step, { from, to }, highest) {
  /** @param {number} time */
  const x = (time) => tenths((SPARK_WIDTH * (Math.min(to, Math.max(from, time)) - from)) / (to - from));
  return portions.flatMap(({ time, share }) => {
    if (share === null) return [];
    const top = tenths(SPARK_HEIGHT * (1 - share / highest));
    return [`M${x(time - step)} ${SPARK_HEIGHT}V${top}H${x(time)}V${SPARK_HEIGHT}Z`];
  }).join("");
}

/** A row of cells for each core: the busier, the stronger. */

/** Of a core that idles; it is not the same as nothing. */
const FAINTEST = 0.07;

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {{left: number, right: number, values: Percent[]}[]} slots edges in canvas px, percent of each row
 * @param {number} height of a row, canvas px
 * @param {string} colour
 */
export function paintHeat(pen, slots, height, colour) {
  pen.fillStyle = colour;
  const space = height > 6 ? 1 : 0;
  for (const { left, right, values } of slots) {
    values.forEach((value, row) => {
      if (value === null) return;
      pen.globalAlpha = FAINTEST + (1 - FAINTEST) * (value / 100);
      pen.fillRect(left, row * height, Math.max(1, right - left), height - space);
    });
  }
  pen.globalAlpha = 1;
}

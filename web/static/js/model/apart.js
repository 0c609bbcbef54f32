/** Keeps the parts of the page from taking each other down. */

/**
 * Does one part of the work. What it throws is reported like any uncaught error, and the others go on.
 * @param {() => void} part
 */
export function apart(part) {
  try {
    part();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}

/** The page's elements by name, writing into them only what differs, and its voice for screen readers. */

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} [attributes]
 * @param {(Node | string)[]} children
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, String(value));
  element.append(...children);
  return element;
}

/** A held key moves many times; only where it comes to rest is read out. */
const REST_MS = 200;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let resting;

/** @param {string} text */
export function announce(text) {
  clearTimeout(resting);
  resting = setTimeout(() => (byId("voice").textContent = text), REST_MS);
}

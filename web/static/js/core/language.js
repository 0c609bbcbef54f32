/** Words, times, numbers and durations as a person reads them in the page's language. Pure; formatters are made once. */

/** Keeps a number and its unit on one line. */
const JOIN = "\u00a0";
const NONE = "–";

/**
 * The reader's variant of the page's language (en → en-GB): dates read as at home.
 * @param {string} lang
 * @param {readonly string[]} preferred navigator.languages
 */
export function localeFor(lang, preferred) {
  return preferred.find((tag) => tag.split("-")[0] === lang) ?? lang;
}

/**
 * @param {string} locale
 * @param {string} timeZone IANA name
 */
function timeFormatters(locale, timeZone) {
  /** @param {Intl.DateTimeFormatOptions} options */
  const make = (options) => new Intl.DateTimeFormat(locale, { timeZone, hourCycle: "h23", ...options });
  return {
    minute: make({ hour: "2-digit", minute: "2-digit" }),
    second: make({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    day: make({ day: "numeric", month: "short" }),
    offset: make({ timeZoneName: "shortOffset" }),
  };
}

/**
 * Seconds in neighbouring units, largest first: "45 s", "14 min", "1 h 5 min", "2 d 3 h".
 * @param {number} seconds
 * @param {Words} words
 * @param {number} [precision] units
 */
export function durationText(seconds, words, precision = 2) {
  const units = /** @type {const} */ ([["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]);
  const largest = Math.max(0, units.findIndex(([, size]) => seconds >= size));
  const parts = [];
  let rest = Math.round(seconds);
  for (const [name, size] of units.slice(largest, largest + precision)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${JOIN}${words.text(`unit_${name}`)}`);
  }
  return parts.join(JOIN) || `0${JOIN}${words.text("unit_s")}`;
}

/**
 * @param {string} locale
 * @param {string} timeZone IANA name
 */
function timeFormat(locale, timeZone) {
  const formatters = timeFormatters(locale, timeZone);
  /** @param {number} at */
  const day = (at) => formatters.day.format(at * 1000);
  /** @param {number} at */
  const time = (at) => formatters.second.format(at * 1000);
  /** @param {number} at */
  const minute = (at) => formatters.minute.format(at * 1000);
  return {
    time,
    minute,
    /** @type {Format["moment"]} */
    moment: (at, now) => (day(at) === day(now) ? minute(at) : `${day(at)}, ${minute(at)}`),
    /** @type {Format["span"]} */
    span(from, to) {
      if (day(from) !== day(to)) return `${day(from)}, ${minute(from)} – ${day(to)}, ${minute(to)}`;
      return to - from < 120 ? `${time(from)}–${time(to)}` : `${minute(from)}–${minute(to)}`;
    },
    /** @type {Format["zone"]} */
    zone(at) {
      const offset = formatters.offset.formatToParts(at * 1000).find(({ type }) => type === "timeZoneName");
      return offset && timeZone !== "UTC" ? `${timeZone} (${offset.value})` : timeZone;
    },
  };
}

/**
 * @param {string} locale
 * @param {string} timeZone IANA name
 * @param {Words} words
 * @returns {Format}
 */
export function createFormat(locale, timeZone, words) {
  const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const hundredths = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  return {
    ...timeFormat(locale, timeZone),
    percent: (value) => (value === null ? NONE : `${tenths.format(value)}${JOIN}%`),
    whole: (value) => (value === null ? NONE : `${Math.round(value)}${JOIN}%`),
    number: (value) => (value === null ? NONE : hundredths.format(value)),
    duration: (seconds) => durationText(seconds, words),
    roughly: (seconds) => durationText(seconds, words, 1),
  };
}

/**
 * Texts by key, `{name}` filled in, plural forms by the language's own rules.
 * @param {Record<string, string>} texts
 * @param {string} lang BCP 47
 * @returns {Words}
 */
export function createWords(texts, lang) {
  const rules = new Intl.PluralRules(lang);

  /** @type {Words["text"]} */
  const text = (key, values = {}) => {
    const pattern = texts[key];
    if (pattern === undefined) throw new Error(`no text for ${key}`);
    return pattern.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  };

  return {
    text,
    plural: (key, count, values = {}) => text(`${key}_${rules.select(count)}`, { count, ...values }),
  };
}

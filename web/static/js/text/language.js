/** Words, times, numbers and durations as a person reads them in the page's language. Pure; formatters are made once. */

import { DAY_S } from "../model/units.js";

/** Keeps a number and its unit on one line. */
const JOIN = "\u00a0";
const NONE = "–";
const UTC = "UTC";

/** @param {unknown} tag as a system hands it on: `en-US@posix` is none */
function isLocale(tag) {
  try {
    return typeof tag === "string" && Intl.getCanonicalLocales(tag).length > 0;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * The reader's variant of the page's language (en → en-GB): dates read as at home.
 * @param {string} lang
 * @param {readonly string[] | undefined} preferred navigator.languages
 */
export function localeFor(lang, preferred = []) {
  const known = Array.from(preferred).filter(isLocale).flatMap((tag) => Intl.getCanonicalLocales(tag));
  return known.find((tag) => tag.split("-")[0] === lang) ?? lang;
}

/**
 * What a browser names as its own time zone, which it need not know: with TZ=Foo/Bar it says Etc/Unknown, or nothing.
 * @param {string | null | undefined} name
 * @returns {string | null} IANA name, null where there is none
 */
export function knownZone(name) {
  try {
    if (!name) return null;
    new Intl.DateTimeFormat("en", { timeZone: name });
    return name;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * @param {string} locale
 * @param {string} timeZone IANA name
 */
function timeFormatters(locale, timeZone) {
  /** @param {Intl.DateTimeFormatOptions} options */
  const make = (options) => {
    const { format } = new Intl.DateTimeFormat(locale, { timeZone, hourCycle: "h23", ...options });
    return (/** @type {number} */ at) => format(at * 1000);
  };
  return {
    minute: make({ hour: "2-digit", minute: "2-digit" }),
    second: make({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    day: make({ day: "numeric", month: "short" }),
    date: make({ day: "numeric", month: "short", year: "numeric" }),
    month: make({ month: "short" }),
    year: make({ year: "numeric" }),
    weekHour: make({ weekday: "short", hour: "2-digit", minute: "2-digit" }),
  };
}

/** Clocks are set on a quarter of an hour. Each question takes a browser long, and an axis asks many. */
const STEADY_S = 900;
const MOST_KNOWN = 10_000;

/** @param {(at: number) => number} offset @returns {(at: number) => number} */
function askedOnce(offset) {
  /** @type {Map<number, number>} */
  const known = new Map();
  return (at) => {
    const quarter = Math.floor(at / STEADY_S);
    const found = known.get(quarter) ?? offset(quarter * STEADY_S);
    if (known.size > MOST_KNOWN) known.clear();
    known.set(quarter, found);
    return found;
  };
}

/**
 * What a clock on the wall of the zone is ahead of UTC, s. Read off that clock: `timeZoneName: "shortOffset"` is younger
 * than some browsers.
 * @param {string} timeZone IANA name
 */
export function createOffset(timeZone) {
  const numeric = /** @type {const} */ ("numeric");
  const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric };
  const wall = new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", ...fields });
  return askedOnce((at) => {
    const utc = Math.floor(at);
    const parts = wall.formatToParts(utc * 1000);
    /** @param {keyof typeof fields} field */
    const read = (field) => Number(parts.find(({ type }) => type === field)?.value);
    const midnight = Date.UTC(read("year"), read("month") - 1, read("day")) / 1000;
    return midnight + read("hour") * 3600 + read("minute") * 60 + read("second") - utc;
  });
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
 * @param {number} offset s
 * @returns {[sign: string, hours: number, minutes: string]}
 */
function offsetParts(offset) {
  const minutes = Math.round(Math.abs(offset) / 60);
  return [offset < 0 ? "−" : "+", Math.floor(minutes / 60), String(minutes % 60).padStart(2, "0")];
}

/**
 * "+02:00"
 * @param {number} offset s
 */
function offsetText(offset) {
  const [sign, hours, minutes] = offsetParts(offset);
  return `${sign}${String(hours).padStart(2, "0")}:${minutes}`;
}

/**
 * "GMT+2", "GMT−3:30"
 * @param {number} offset s
 */
function offsetName(offset) {
  const [sign, hours, minutes] = offsetParts(offset);
  if (offset === 0) return "GMT";
  return `GMT${sign}${hours}${minutes === "00" ? "" : `:${minutes}`}`;
}

/**
 * The times that a person reads, each with its offset where the clocks show it twice: in the hour before and after they
 * are set back.
 * @param {string} timeZone IANA name
 */
function createClock(timeZone) {
  const offset = createOffset(timeZone);
  /** @param {number} at */
  const isShownTwice = (at) => {
    const own = offset(at);
    const others = [offset(at - DAY_S), offset(at + DAY_S)];
    return others.some((other) => other !== own && offset(at + own - other) === other);
  };
  /** @typedef {(at: number) => string} Write */
  return {
    offset,
    /** @param {Write} write @param {string} [join] */
    once: (write, join = JOIN) => (/** @type {number} */ at) =>
      isShownTwice(at) ? `${write(at)}${join}${offsetText(offset(at))}` : write(at),
    /** @param {Write} write @param {string} dash */
    between: (write, dash) => (/** @type {number} */ from, /** @type {number} */ to) => {
      const isPlain = offset(from) === offset(to) && !isShownTwice(from) && !isShownTwice(to);
      if (isPlain) return `${write(from)}${dash}${write(to)}`;
      const [first, last] = [from, to].map((at) => `${write(at)}${JOIN}${offsetText(offset(at))}`);
      return `${first} – ${last}`;
    },
  };
}

/**
 * @param {string} locale
 * @param {string} timeZone IANA name
 * @param {(() => number) | null} today what is of its day is named without a day, of its year without a year
 */
function timeFormat(locale, timeZone, today) {
  const { day: plainDay, date, month, year, minute, second, weekHour } = timeFormatters(locale, timeZone);
  /** @param {number} at */
  const day = (at) => (today === null || year(at) === year(today()) ? plainDay(at) : date(at));
  /** @param {number} at */
  const isToday = (at) => today === null || date(at) === date(today());
  const { offset, once, between } = createClock(timeZone);
  /** @param {number} at */
  const dayAndMinute = (at) => `${day(at)}, ${minute(at)}`;
  const [times, minutes, days] = [between(second, "–"), between(minute, "–"), between(dayAndMinute, " – ")];
  return {
    times,
    minutes,
    time: once(second),
    minute: once(minute),
    tick: once(minute, "\n"),
    second: once(second, "\n"),
    day: plainDay,
    month,
    year,
    weekHour: once(weekHour),
    offset,
    /** @type {Format["moment"]} */
    moment: (at, now) => once(day(at) === day(now) ? minute : dayAndMinute)(at),
    /** @type {Format["instant"]} */
    instant: (at) => once(isToday(at) ? second : (time) => `${day(time)}, ${second(time)}`)(at),
    /** @type {Format["when"]} */
    when: (at) => once(isToday(at) ? minute : dayAndMinute)(at),
    /** @type {Format["span"]} */
    span(from, to) {
      if (day(from) !== day(to)) return days(from, to);
      const text = to - from < 120 ? times(from, to) : minutes(from, to);
      return isToday(to) ? text : `${day(to)}, ${text}`;
    },
    /** @type {Format["zone"]} */
    zone: (at) => (timeZone === UTC ? timeZone : `${timeZone} (${offsetName(offset(at))})`),
  };
}

/**
 * @param {string} locale
 * @param {string | null} timeZone IANA name; without one all times are in UTC
 * @param {Words} words
 * @param {(() => number) | null} [today] as in timeFormat
 * @returns {Format}
 */
export function createFormat(locale, timeZone, words, today = null) {
  const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const hundredths = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  return {
    ...timeFormat(locale, timeZone ?? UTC, today),
    ...(timeZone === null && { zone: () => words.text("zone_unknown") }),
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
    knows: (key) => key in texts,
    plural: (key, count, values = {}) => text(`${key}_${rules.select(count)}`, { count, ...values }),
  };
}

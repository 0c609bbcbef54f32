/** Seeded chance and a small world of records for the tests of the page. */

/**
 * Mulberry32.
 * @param {number} seed
 * @returns {() => number} 0 ≤ chance < 1
 */
export function chance(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * @template T
 * @param {T[]} items
 * @param {() => number} random
 */
export function shuffled(items, random) {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Texts that show their key and values, so that a test sees what was said. */
export const plainTexts = {
  unit_d: "d", unit_h: "h", unit_min: "min", unit_s: "s",
  cause_stopped: "service was off", short_stopped: "off",
  cause_stalled: "held up", short_stalled: "held up", cause_crashed: "crashed",
  cause_unreadable: "unread", cause_unreadable_open: "not read",
  cause_other: "interrupted", short_other: "gap",
  gap_since: "since {time}", gap_when: "{span}, {duration}", gap_mean: "CPU averaged {cpu}",
  summary_empty: "empty", summary_minutes_empty: "no minutes", summary_no_gaps: "No interruptions.", summary_unknown: "Nothing known since {time}.",
  summary_gaps_one: "1 interruption, {duration}.", summary_gaps_other: "{count} interruptions, {duration}.",
  summary_samples: "Average {mean}, peak {peak} at {at}.", summary_minutes: "Busiest {span} {peak}, calmest {lowest}.",
  summary_minutes_long: "Busiest stretch {span} {peak}, calmest {lowest}.",
  unreliable: "unreliable", unreliable_share: "unreliable, {share} counted", unreliable_span: "{span}: unreliable",
  clock_forward: "forward by {duration} at {time}", clock_back: "back by {duration} at {time}",
  busy_span: "Busy {span}, {duration}: {mean}, {max}", busy_user: "programs", busy_irq: "interrupts", busy_one: "one core",
  gaps_further_other: "and {count} shorter, {duration}", gap_several_other: "{count} within {span}, {duration}",
  readout_mean: "{cpu} ({min}, {max})",
  zone_unknown: "UTC, zone unknown",
  kept_from: "before {time} put together from finer records",
  kept_minutes: "before {time} only minutes are kept", kept_quarter_hours: "before {time} only quarters of an hour are kept",
  readout_nothing: "no sample", readout_open: "not over yet", readout_long: "one covers {span}",
  readout_minute_one: "{cpu}, 1 sample", readout_minute_other: "{cpu} ({min}, {max}), {count} samples",
};

/**
 * A history as the service answers it.
 * @param {number} end
 * @param {number} step
 * @param {(time: number) => number | null} cpuAt
 * @param {object} [more]
 */
export function historyOf(end, step, cpuAt, more = {}) {
  const start = Math.floor(end / step) * step - 3600 + step;
  const times = Array.from({ length: 3600 / step }, (_, i) => start + i * step);
  return { host: "box", now: end, from: start - step, to: end, step, start, last_id: null, cpu: times.map(cpuAt), gaps: [], clock_steps: [], ...more };
}

/** @param {number} end */
export const emptyHistory = (end, step = 5) => historyOf(end, step, () => null);

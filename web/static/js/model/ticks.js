/** Round local times for an axis of any span, from seconds to decades. Pure. */

import { DAY_S } from "./units.js";

/** Zones differ from UTC by multiples of this. */
const OFFSET_STEP_S = 900;

const CLOCK_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];
const DAY_STEPS = [1, 2, 7, 14];
const MONTH_STEPS = [1, 2, 3, 6];
const YEAR_STEPS = [1, 2, 5, 10];
/** No month is shorter. */
const MONTH_S = 28 * DAY_S;
/** 1970 began on a Thursday: the first Monday was its fifth day. */
const FIRST_MONDAY = 4;

/** @typedef {(at: number) => number} Offset what a clock on the wall is ahead of UTC, s */

/**
 * @param {number} from
 * @param {number} to
 * @param {number} most ticks
 * @param {Offset} offset
 * @returns {{unit: "second" | "minute" | "day" | "month" | "year", times: number[]}} ascending
 */
export function timeTicks(from, to, most, offset) {
  const least = (to - from) / most;
  const clock = CLOCK_STEPS_S.find((step) => step >= least);
  if (clock) return { unit: clock < 60 ? "second" : "minute", times: clockTicks(from, to, clock, offset) };
  const days = DAY_STEPS.find((step) => step * DAY_S >= least);
  if (days) return { unit: "day", times: dayTicks(from, to, days, offset) };
  const months = MONTH_STEPS.find((step) => step * MONTH_S >= least);
  if (months) return { unit: "month", times: monthTicks(from, to, months, offset) };
  const years = YEAR_STEPS.find((step) => step * 12 * MONTH_S >= least) ?? 20;
  return { unit: "year", times: monthTicks(from, to, 12 * years, offset) };
}

/** Where the clocks are set, an hour has no tick, or two. @param {number} from @param {number} to @param {number} step @param {Offset} offset */
function clockTicks(from, to, step, offset) {
  const stride = Math.min(step, OFFSET_STEP_S);
  const times = [];
  for (let time = Math.ceil(from / stride) * stride; time <= to; time += stride) {
    if ((time + offset(time)) % step === 0) times.push(time);
  }
  return times;
}

/**
 * When a clock on the wall shows a time; where it shows it twice, the first.
 * @param {number} wall as if it were UTC
 * @param {Offset} offset
 */
export function instantOf(wall, offset) {
  return wall - offset(wall - offset(wall - DAY_S));
}

/** @param {number} from @param {number} to @param {number} step @param {Offset} offset */
function dayTicks(from, to, step, offset) {
  const times = [];
  const first = Math.floor((from + offset(from)) / DAY_S) - FIRST_MONDAY;
  for (let day = Math.ceil(first / step) * step; ; day += step) {
    const time = instantOf((day + FIRST_MONDAY) * DAY_S, offset);
    if (time > to) return times;
    if (time >= from) times.push(time);
  }
}

/** @param {number} from @param {number} to @param {number} step @param {Offset} offset */
function monthTicks(from, to, step, offset) {
  const times = [];
  const begin = new Date((from + offset(from)) * 1000);
  const first = begin.getUTCFullYear() * 12 + begin.getUTCMonth();
  for (let month = Math.ceil(first / step) * step; ; month += step) {
    const time = instantOf(Date.UTC(Math.floor(month / 12), month % 12) / 1000, offset);
    if (time > to) return times;
    if (time >= from) times.push(time);
  }
}

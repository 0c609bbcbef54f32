import assert from "node:assert/strict";
import { test } from "node:test";

import { Series, Slots } from "../../web/static/js/model/series.js";
import { HOUR_S } from "../../web/static/js/model/units.js";
import { chance, emptyHistory, historyOf, shuffled } from "./world.mjs";

const END = 1_763_936_400;
const STEP = 5;

/** What really happened: samples, the minutes made of them and the gaps between them. */
function happened(random) {
  const cpu = new Map();
  const gaps = [];
  let time = END - HOUR_S - 1200;
  while (time < END) {
    const run = 1 + Math.floor(random() * 200);
    for (let i = 0; i < run && time < END; i += 1) cpu.set((time += STEP), Math.round(random() * 1000) / 10);
    const missed = 1 + Math.floor(random() * 60);
    if (time + (missed + 1) * STEP >= END) break;
    gaps.push({ from: time, to: time + missed * STEP, cause: "crashed", cpu: null });
    time += missed * STEP;
  }
  const minutes = new Map();
  for (let minute = END - HOUR_S - 1140; minute <= END; minute += 60) {
    const values = Array.from({ length: 12 }, (_, i) => cpu.get(minute - i * STEP)).filter((value) => value !== undefined);
    if (values.length === 0) continue;
    const mean = values.reduce((a, b) => a + b) / values.length;
    const accounted = random() < 0.2 ? null : Math.round(600 + random() * 800) / 1000;
    minutes.set(minute, { time: minute, cpu: mean, min: Math.min(...values), max: Math.max(...values), count: values.length, accounted });
  }
  const clockSteps = gaps.map(({ to }) => ({ time: to, seconds: Math.round(random() * 100) - 50 }));
  return { cpu, minutes, gaps, clockSteps };
}

/** The service knows for all minutes, also where it does not tell the share. */
const isUnreliable = ({ time, accounted }) => (accounted === null ? time % 180 === 0 : accounted < 0.8 || accounted > 1.2);

/** Everything the page may hear about it, in the order in which it happened. */
function heard({ cpu, minutes, gaps, clockSteps }, random) {
  const samples = [...cpu].map(([time, value]) => (hour) => hour.putSample({ time, cpu: value, accounted: time % 70 < 30 ? 0.7 : 1 }));
  const averages = [...minutes.values()].map((minute) => (hour) => hour.putAverage(minute));
  const begun = gaps.map((gap) => (hour) => hour.putGap({ ...gap, to: null }));
  const holes = gaps.map((gap) => (hour) => hour.putGap(gap));
  const histories = Array.from({ length: 3 }, () => {
    const end = END - Math.floor(random() * 240) * STEP;
    const known = gaps.filter(({ to }) => to < end && to > end - HOUR_S);
    const column = (key) => historyOf(end, 60, (time) => minutes.get(time)?.[key] ?? null).cpu;
    const told = { gaps: known, clock_steps: clockSteps.filter(({ time }) => time <= end && time > end - HOUR_S) };
    const fine = historyOf(end, STEP, (time) => cpu.get(time) ?? null, told);
    const unreliable = [...minutes.keys()].filter((time) => time <= end && isUnreliable(minutes.get(time)));
    const coarse = historyOf(end, 60, (time) => minutes.get(time)?.cpu ?? null, {
      ...told, unreliable, min: column("min"), max: column("max"), count: column("count").map((count) => count ?? 0),
    });
    return (hour) => hour.load(fine, coarse);
  });
  return [...samples, ...averages, ...begun, ...holes, ...histories];
}

function pictureOf(events) {
  const hour = new Series(emptyHistory(END - 7200), emptyHistory(END - 7200, 60));
  for (const event of events) event(hour);
  return { samples: hour.samples(END), minutes: hour.averageColumns(END), gaps: hour.gaps(END), clockSteps: hour.clockSteps(END), unreliable: hour.unreliable(END) };
}

test("any order and any duplication of events gives the same arrays, gaps, clock steps and unreliable minutes", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = chance(seed);
    const world = happened(random);
    const events = heard(world, random);
    const expected = pictureOf(events);

    const repeated = [...events, ...events.filter(() => random() < 0.3)];

    assert.deepEqual(pictureOf(shuffled(repeated, random)), expected, `seed ${seed}`);
  }
});

test("the arrays hold exactly what happened within the hour", () => {
  const random = chance(7);
  const world = happened(random);

  const { samples, minutes, gaps } = pictureOf(shuffled(heard(world, random), random));

  assert.deepEqual(samples[1], samples[0].map((time) => world.cpu.get(time) ?? null));
  assert.deepEqual(minutes.at(-1), minutes[0].map((time) => world.minutes.get(time)?.cpu ?? null));
  assert.deepEqual(gaps, world.gaps.filter(({ to }) => to > END - HOUR_S));
});

test("the gaps are the complement of the samples", () => {
  const random = chance(11);
  const { samples, gaps } = pictureOf(shuffled(heard(happened(random), random), random));
  const [times, cpu] = samples;
  const last = cpu.findLastIndex((value) => value !== null);

  const uncovered = times.filter((time, i) => i < last && cpu[i] === null && !gaps.some(({ from, to }) => from < time && time <= to));

  assert.deepEqual(uncovered, []);
});

test("times grow strictly by one step and never exceed the hour and one slot", () => {
  for (const step of [1, 5, 15, 60]) {
    const times = new Slots(step).times(END + 3);

    assert.equal(times.length, HOUR_S / step + 1);
    assert.ok(times.every((time, i) => i === 0 || time - times[i - 1] === step));
    assert.ok(times.at(-1) <= END + 3);
  }
});

test("a page that stays open for a day keeps an hour", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
  for (let time = END; time < END + 86_400; time += STEP) {
    if (time % 300 === 0) hour.putGap({ from: time - 10, to: time - STEP, cause: "stalled", cpu: null });
    else hour.putSample({ time, cpu: 50 });
  }
  const end = END + 86_400 - STEP;

  assert.equal(hour.samples(end)[0].length, 721);
  assert.equal(hour.gaps(end).length, 11);
  assert.ok(hour.gapAt(END + 300 - STEP) === null);
});

test("records that are older than the hour change nothing", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
  hour.putSample({ time: END, cpu: 10 });
  const before = hour.samples(END);

  hour.putSample({ time: END - HOUR_S - STEP, cpu: 99 });
  hour.putGap({ from: END - 9000, to: END - HOUR_S, cause: "stopped", cpu: null });

  assert.deepEqual(hour.samples(END), before);
  assert.deepEqual(hour.gaps(END), []);
});

test("a history that does not know a sample yet does not erase it", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
  hour.putSample({ time: END, cpu: 42 });

  hour.load(emptyHistory(END), emptyHistory(END, 60));

  assert.equal(hour.samples(END)[1].at(-1), 42);
});

test("of two writings of a minute the one with more samples is kept", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
  hour.putAverage({ time: END, cpu: 20, min: 1, max: 40, count: 12 });

  hour.putAverage({ time: END, cpu: 10, min: 5, max: 15, count: 3 });

  assert.equal(hour.coarse.at(END)?.count, 12);
});

test("a minute is unreliable outside 0.80 to 1.20 of the expected ticks", () => {
  const shares = [0.799, 0.8, 1, 1.2, 1.201, null, undefined];
  const doubted = shares.map((accounted) => {
    const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
    hour.putAverage({ time: END, cpu: 20, min: 1, max: 40, count: 12, accounted });
    return hour.unreliable(END).length === 1;
  });

  assert.deepEqual(doubted, [true, false, false, false, true, false, false]);
});

test("neighbouring unreliable minutes are one stretch, and a history does not forget their share", () => {
  const unreliable = [END - 600, END - 540, END - 480, END - 120];
  const minutes = historyOf(END, 60, () => 20, { unreliable, count: Array(60).fill(12) });
  const hour = new Series(emptyHistory(END), minutes);
  hour.putAverage({ time: END - 540, cpu: 20, min: 1, max: 40, count: 12, accounted: 0.6 });

  hour.load(emptyHistory(END), minutes);

  assert.deepEqual(hour.unreliable(END), [{ from: END - 660, to: END - 480 }, { from: END - 180, to: END - 120 }]);
  assert.equal(hour.coarse.at(END - 540)?.accounted, 0.6);
  assert.deepEqual(hour.averageColumns(END).at(-2).filter((cpu) => cpu !== null), [20, 20, 20, 20]);
});

test("what was unreliable or a clock step an hour ago is forgotten", () => {
  const told = { unreliable: [END], count: Array(60).fill(12), clock_steps: [{ time: END - 2, seconds: -40 }] };
  const hour = new Series(emptyHistory(END), historyOf(END, 60, () => 20, told));
  const [stretches, steps] = [hour.unreliable(END), hour.clockSteps(END)];

  hour.putSample({ time: END + HOUR_S, cpu: 1 });

  assert.deepEqual([stretches.length, steps.length], [1, 1]);
  assert.deepEqual([hour.unreliable(END + HOUR_S), hour.clockSteps(END)], [[], []]);
});

test("a sample off the grid is not drawn at a wrong time", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));

  hour.putSample({ time: END - 3, cpu: 42 });

  assert.ok(hour.samples(END)[1].every((value) => value === null));
});

test("minutes at the sampling interval are their own lowest and highest", () => {
  const hour = new Series(historyOf(END, 60, () => 30), historyOf(END, 60, () => 30));

  assert.deepEqual(hour.coarse.at(END), { time: END, cpu: 30, min: 30, max: 30, count: 1, unreliable: false });
});

test("the recording begins one step before the first sample, or with a gap", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
  assert.equal(hour.beginning(END), null);

  hour.putSample({ time: END - 600, cpu: 1 });
  assert.equal(hour.beginning(END), END - 605);

  hour.putGap({ from: END - 900, to: END - 605, cause: "stopped", cpu: null });
  assert.equal(hour.beginning(END), END - 900);
});

test("a gap without an end reaches to now, until the same gap comes with its end, in whatever order", () => {
  const open = { from: END - 600, to: null, cause: "unreadable", cpu: null };
  const closed = { ...open, to: END - 300, cpu: 12 };
  for (const order of [[open], [open, open]]) {
    const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
    for (const gap of order) hour.putGap(gap);

    assert.deepEqual(hour.gaps(END), [{ ...open, to: END, isOpen: true }]);
    assert.deepEqual(hour.gaps(END + 60), [{ ...open, to: END + 60, isOpen: true }]);
    assert.equal(hour.gapAt(END - 5)?.cause, "unreadable");
    assert.equal(hour.beginning(END), END - 600);
  }
  for (const order of [[open, closed], [closed, open], [open, closed, open]]) {
    const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
    for (const gap of order) hour.putGap(gap);

    assert.deepEqual(hour.gaps(END), [closed]);
    assert.equal(hour.gapAt(END - 5), null);
  }
});

test("a gap that is still open is not forgotten however long it lasts", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
  hour.putGap({ from: END, to: null, cause: "unreadable", cpu: null });

  hour.putAverage({ time: END + 2 * HOUR_S, cpu: 1, min: 1, max: 1, count: 1 });

  assert.equal(hour.gaps(END + 2 * HOUR_S).length, 1);
});

test("an open gap is known to last only until the page last heard of the service", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
  hour.putGap({ from: END - 600, to: null, cause: "unreadable", cpu: null });

  assert.deepEqual(hour.gaps(END, END - 100).map(({ to }) => to), [END - 100]);
  assert.deepEqual(hour.gaps(END, END - 900), []);
});

test("a sample after the beginning of an open gap ends it", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
  hour.putGap({ from: END - 600, to: null, cause: "unreadable", cpu: null });

  hour.putSample({ time: END - 100, cpu: 9 });

  assert.deepEqual(hour.gaps(END).map(({ to }) => to), [END - 105]);
  assert.equal(hour.gapAt(END - 5), null);
});

test("samples too may be unreliable in a history, and are one stretch with their neighbours", () => {
  const hour = new Series(historyOf(END, STEP, () => 20, { unreliable: [END - 100, END - 95, END - 90] }), emptyHistory(END, 60));
  hour.putAverage({ time: END - 60, cpu: 20, min: 1, max: 40, count: 12, accounted: 0.5 });

  assert.deepEqual(hour.unreliable(END), [{ from: END - 120, to: END - 60 }]);
  assert.deepEqual(hour.sampleColumns(END)[1].filter((cpu) => cpu !== null), [20, 20, 20]);
  assert.deepEqual([...hour.doubtful()], [END - 100, END - 95, END - 90]);
});

/** An hour that hears of samples with these shares of the expected ticks, the last at its end. */
function counted(shares, hour = new Series(emptyHistory(END), emptyHistory(END, 60))) {
  shares.forEach((accounted, i) => hour.putSample({ time: END - (shares.length - 1 - i) * STEP, cpu: 20, accounted }));
  return hour;
}

test("three live samples in a row outside 0.80 to 1.20 are unreliable, fewer are not", () => {
  const before = (hour) => [...hour.doubtful()].map((time) => (time - END) / STEP);

  assert.deepEqual(before(counted([1, 0.79, 1.21])), []);
  assert.deepEqual(before(counted([0.5, 0.5, 1, 0.5, 0.5])), []);
  assert.deepEqual(before(counted([1, 0.79, 1.21, 0.6])), [-2, -1, 0]);
  assert.deepEqual(before(counted([0.6, 0.6, 0.6, 0.6, 0.8])), [-4, -3, -2, -1]);
  assert.deepEqual(before(counted([0.8, 1.2, 0.8])), []);
  assert.deepEqual(before(counted([0.5, 0.5, null])), []);
});

test("a gap between them does not part samples that are in a row", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
  for (const time of [END - 900, END - 300, END]) hour.putSample({ time, cpu: 20, accounted: 0.5 });

  assert.deepEqual([...hour.doubtful()], [END - 900, END - 300, END]);
});

test("one more live sample goes on with the row that a history told", () => {
  const told = historyOf(END - STEP, STEP, () => 20, { unreliable: [END - 15, END - 10, END - 5] });
  const hour = counted([0.5], new Series(told, emptyHistory(END, 60)));

  assert.deepEqual([...hour.doubtful()], [END - 15, END - 10, END - 5, END]);
});

test("a live sample says nothing of itself but its share", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));
  for (const time of [END - 10, END - 5, END]) hour.putSample({ time, cpu: 20, accounted: 1, unreliable: true });

  assert.deepEqual(hour.unreliable(END), []);
});

test("a sample of which nothing is known leaves its slot empty", () => {
  const hour = new Series(emptyHistory(END), emptyHistory(END, 60));

  hour.putSample({ time: END, cpu: null, user: null, system: null, irq: null, cores: null });

  assert.equal(hour.cpuAt(END), null);
});

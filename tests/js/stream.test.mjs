import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { randomName, retryDelay, Stream } from "../../web/static/js/net/stream.js";

class FakeEventSource extends EventTarget {
  static OPEN = 1;
  static CLOSED = 2;
  static opened = [];
  readyState = 0;

  constructor(address) {
    super();
    this.stillOpen = opened.filter(({ readyState }) => readyState !== FakeEventSource.CLOSED);
    this.address = address;
    FakeEventSource.opened.push(this);
  }

  close() {
    this.readyState = FakeEventSource.CLOSED;
  }

  say(name, payload) {
    this.readyState = FakeEventSource.OPEN;
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(payload) }));
  }

  fail(readyState) {
    this.readyState = readyState;
    this.dispatchEvent(new Event("error"));
  }
}

class FakeDocument extends EventTarget {
  hidden = false;

  turn(hidden) {
    this.hidden = hidden;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

const opened = FakeEventSource.opened;
let phases;
let heard;
/** Whether the service answers what is asked of it beside the stream. */
let answers;
const READER = "page-one";

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const window = new EventTarget();
  Object.assign(globalThis, { EventSource: FakeEventSource, document: new FakeDocument(), addEventListener: window.addEventListener.bind(window), window });
  [phases, heard, answers] = [[], [], true];
  opened.length = 0;
  new Stream({
    position: () => `&after=${heard.length}`,
    receive: (name, payload) => heard.push([name, payload]),
    enter: (phase) => phases.at(-1) !== phase && phases.push(phase),
    answers: async () => answers,
  }, READER).start();
});

afterEach(() => mock.timers.reset());

/** So many seconds in which nothing arrives. */
async function silence(seconds) {
  for (let passed = 0; passed < seconds; passed += 1) {
    mock.timers.tick(1000);
    await Promise.resolve();
    await Promise.resolve();
  }
}

/** Silence until the newest stream is closed, or is not. */
async function silenceUntil(closed) {
  const isClosed = () => opened.at(-1).readyState === FakeEventSource.CLOSED;
  for (let passed = 0; passed < 1000 && isClosed() !== closed; passed += 1) await silence(1);
}

test("events are handed on and open the phase", () => {
  opened[0].say("hello", { now: 1 });

  assert.deepEqual(heard, [["hello", { now: 1 }]]);
  assert.deepEqual(phases, ["connecting", "open"]);
});

test("15 s of silence reopen the stream after what was heard", () => {
  opened[0].say("sample", { time: 5 });
  mock.timers.tick(14_999);
  assert.equal(opened.length, 1);

  mock.timers.tick(1);
  assert.equal(opened[0].readyState, FakeEventSource.CLOSED);
  assert.equal(opened[1].address, `events?reader=${READER}&after=1`);
  assert.equal(phases.at(-1), "lost");
});

test("each event starts the watchdog anew", () => {
  for (let i = 0; i < 5; i += 1) {
    opened[0].say("beat", { now: i });
    mock.timers.tick(14_000);
  }
  assert.equal(opened.length, 1);
});

test("while the browser reconnects by itself it is left alone", () => {
  opened[0].say("hello", {});
  opened[0].fail(0);
  mock.timers.tick(5000);

  assert.equal(opened.length, 1);
  assert.equal(phases.at(-1), "lost");
});

test("a refused stream is tried again, later each time", () => {
  for (const longest of [1000, 2000, 4000]) {
    const before = opened.length;
    opened.at(-1).fail(FakeEventSource.CLOSED);
    mock.timers.tick(longest / 2 - 1);
    assert.equal(opened.length, before);
    mock.timers.tick(longest / 2 + 1);
    assert.equal(opened.length, before + 1);
  }
});

test("waiting grows to 30 s and is never shorter than half of that", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 60].map((attempt) => retryDelay(attempt, 0)), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.equal(retryDelay(2, 1), 2000);
});

test("a hidden page closes its stream after 10 s and opens it when seen again", () => {
  opened[0].say("hello", {});
  document.turn(true);
  mock.timers.tick(9999);
  assert.notEqual(opened[0].readyState, FakeEventSource.CLOSED);
  mock.timers.tick(1);
  assert.equal(opened[0].readyState, FakeEventSource.CLOSED);
  assert.equal(phases.at(-1), "hidden");

  document.turn(false);
  assert.equal(opened.length, 2);
  assert.equal(phases.at(-1), "connecting");
});

test("a page that is hidden for a moment keeps its stream", () => {
  opened[0].say("hello", {});
  document.turn(true);
  mock.timers.tick(5000);
  document.turn(false);
  mock.timers.tick(9000);

  assert.equal(opened.length, 1);
});

test("a hidden page stays closed when the network comes back", () => {
  document.turn(true);
  mock.timers.tick(10_000);
  window.dispatchEvent(new Event("online"));

  assert.equal(opened.length, 1);
});

test("the first showing of a page does not open a second stream", () => {
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));

  assert.equal(opened.length, 1);
});

test("a page that is left closes its stream at once", () => {
  opened[0].say("hello", {});
  window.dispatchEvent(new Event("pagehide"));
  assert.equal(opened[0].readyState, FakeEventSource.CLOSED);

  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  assert.equal(opened.length, 2);
});

test("a reader for whom no event ever arrives opens few streams, later each time, and leaves none open", async () => {
  await silence(1800);
  const half = opened.length;
  await silence(12 * 3600);

  assert.ok(half <= 13, `${half} in half an hour`);
  assert.ok(opened.length - half <= 145, `${opened.length - half} in the half day after`);
  assert.deepEqual(opened.flatMap(({ stillOpen }) => stillOpen), []);
});

test("a stream that is held back is called so once the service answered beside it, twice in a row", async () => {
  await silence(15);
  assert.deepEqual(phases, ["connecting", "lost"]);

  await silence(17);
  assert.deepEqual(phases, ["connecting", "lost", "held"]);

  await silence(3600);
  assert.equal(phases.at(-1), "held");
});

test("a service that does not answer at all is lost, not held back, and tried every half minute", async () => {
  answers = false;
  await silence(600);
  const before = opened.length;
  await silence(600);

  assert.deepEqual(phases, ["connecting", "lost"]);
  assert.ok(opened.length - before >= 13);
});

test("an event that really arrives ends the waiting", async () => {
  await silence(3600);
  await silenceUntil(false);
  opened.at(-1).say("hello", {});
  assert.equal(phases.at(-1), "open");

  const before = opened.length;
  opened.at(-1).fail(FakeEventSource.CLOSED);
  await silence(1);
  assert.equal(opened.length, before + 1);
});

test("a stream that ends before its first event is not left to the browser, which would come back every few seconds", async () => {
  for (const longest of [1, 2, 4, 8]) {
    opened.at(-1).fail(0);
    assert.equal(opened.at(-1).readyState, FakeEventSource.CLOSED);
    await silence(longest);
  }

  assert.equal(opened.length, 5);
  assert.deepEqual(opened.flatMap(({ stillOpen }) => stillOpen), []);
});

test("of a stream that comes back by itself and breaks again before an event the page takes charge", () => {
  opened[0].say("hello", {});
  opened[0].fail(0);
  assert.equal(opened[0].readyState, 0);

  opened[0].fail(0);
  assert.equal(opened[0].readyState, FakeEventSource.CLOSED);
});

test("looking at the page does not cut the wait of a stream that is held back short, a new network does", async () => {
  await silence(3600);
  const before = opened.length;
  await silenceUntil(true);
  for (let i = 0; i < 5; i += 1) {
    document.turn(true);
    document.turn(false);
  }
  assert.ok(opened.length <= before + 1);

  const waiting = opened.length;
  window.dispatchEvent(new Event("online"));
  assert.equal(opened.length, waiting + 1);
});

test("each stream that a page opens carries the same name, by which the service ends the one before", () => {
  opened[0].say("hello", {});
  mock.timers.tick(15_000);
  opened[1].fail(FakeEventSource.CLOSED);
  mock.timers.tick(1000);

  assert.deepEqual(opened.map(({ address }) => address), [0, 1, 1].map((id) => `events?reader=${READER}&after=${id}`));
});

test("a stream without a position has a name all the same", () => {
  const listener = { position: () => "", receive: () => {}, enter: () => {}, answers: async () => true };
  new Stream(listener, READER).start();

  assert.equal(opened.at(-1).address, `events?reader=${READER}`);
});

test("no two pages have the same name, and each is one that the service takes", () => {
  const names = Array.from({ length: 1000 }, randomName);

  assert.equal(new Set(names).size, names.length);
  assert.ok(names.every((name) => /^[0-9A-Za-z_-]{8,64}$/.test(name)));
});

test("a page that says no name has one of its own", () => {
  const listener = { position: () => "", receive: () => {}, enter: () => {}, answers: async () => true };
  for (let page = 0; page < 2; page += 1) new Stream(listener).start();

  const [one, other] = opened.slice(-2).map(({ address }) => address);
  assert.match(one, /^events\?reader=[0-9-]{9,54}$/);
  assert.notEqual(one, other);
});

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { retryDelay, Stream } from "../../web/static/js/net/stream.js";

class FakeEventSource extends EventTarget {
  static OPEN = 1;
  static CLOSED = 2;
  static opened = [];
  readyState = 0;

  constructor(address) {
    super();
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

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const window = new EventTarget();
  Object.assign(globalThis, { EventSource: FakeEventSource, document: new FakeDocument(), addEventListener: window.addEventListener.bind(window), window });
  [phases, heard] = [[], []];
  opened.length = 0;
  new Stream({
    address: () => `events?after=${heard.length}`,
    receive: (name, payload) => heard.push([name, payload]),
    enter: (phase) => phases.at(-1) !== phase && phases.push(phase),
  }).start();
});

afterEach(() => mock.timers.reset());

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
  assert.equal(opened[1].address, "events?after=1");
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

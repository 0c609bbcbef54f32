import assert from "node:assert/strict";
import { test } from "node:test";

import { degradation, pendingFrom, statusOf } from "../../web/static/js/model/status.js";

const link = { phase: "open", since: 1000, newestTime: 1200, interval: 5 };

test("an open stream with a fresh sample is live", () => {
  assert.deepEqual(statusOf(link, 1206), { connection: "live", since: null });
});

test("an open stream without a sample for three intervals is stale since the newest", () => {
  assert.deepEqual(statusOf(link, 1216), { connection: "stale", since: 1200 });
});

test("an open stream of a service that records nothing is stale at once", () => {
  assert.deepEqual(statusOf({ ...link, since: 1300 }, 1301, true), { connection: "stale", since: 1200 });
  assert.equal(statusOf({ ...link, phase: "lost" }, 1301, true).connection, "reconnecting");
});

test("short intervals are given ten seconds before they are called stale", () => {
  assert.equal(statusOf({ ...link, interval: 1 }, 1208).connection, "live");
  assert.equal(statusOf({ ...link, interval: 1 }, 1211).connection, "stale");
});

test("a stream that has just opened is given time for its first sample", () => {
  assert.equal(statusOf({ ...link, since: 1300, newestTime: 100 }, 1305).connection, "live");
  assert.equal(statusOf({ ...link, since: 1300, newestTime: null }, 1400).connection, "stale");
});

test("a lost stream says since when", () => {
  assert.deepEqual(statusOf({ ...link, phase: "lost" }, 1300), { connection: "reconnecting", since: 1000 });
});

test("a stream that is held back says since when, and the picture waits from the newest sample on", () => {
  assert.deepEqual(statusOf({ ...link, phase: "held" }, 1300), { connection: "held", since: 1000 });
  assert.equal(pendingFrom(link, "held", 1205), 1200);
});

test("a hidden page is paused, not stale", () => {
  assert.equal(statusOf({ ...link, phase: "hidden" }, 9000).connection, "hidden");
});

test("the picture waits from the newest sample on once the stream is lost", () => {
  assert.equal(pendingFrom(link, "reconnecting", 1205), 1200);
  assert.equal(pendingFrom(link, "live", 1205), null);
  assert.equal(pendingFrom(link, "live", 1215), 1200);
  assert.equal(pendingFrom({ ...link, newestTime: null }, "reconnecting", 1205), null);
});

test("a degraded recording says why, in the service's words", () => {
  assert.equal(degradation("recording"), null);
  assert.equal(degradation("degraded: the disk is full: 37 samples wait"), "the disk is full: 37 samples wait");
});

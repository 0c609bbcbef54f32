import assert from "node:assert/strict";
import test from "node:test";

import { addressFor, askedBy, blocksOf, cellAt, holesIn, pageOf, queryFor } from "../../web/static/js/model/fleet.js";

test("an address says what differs from the plainest view, and is read back", () => {
  const asked = { range: "24h", search: "a&b=c", sort: "silent" };
  assert.equal(addressFor(askedBy("")), "");
  assert.deepEqual(askedBy(addressFor(asked)), asked);
});

test("the list is asked for in blocks, the last of which is as long as it is", () => {
  assert.deepEqual(blocksOf(0), []);
  assert.deepEqual(blocksOf(120), [50, 50, 20]);
  assert.match(queryFor(askedBy("?range=7d"), 2), /range=7d.*offset=100&limit=50/);
});

test("a place in a strip is a cell, a place beside it is none", () => {
  assert.deepEqual([cellAt(0, 60), cellAt(0.999, 60), cellAt(1, 60), cellAt(-0.1, 60)], [0, 59, null, null]);
});

test("cells without a value are runs, zero is a value", () => {
  assert.deepEqual(holesIn([null, null, 0, null, 3]), [[0, 2], [3, 4]]);
});

test("a machine is opened where its label says that it lives, if that is a page, and else by all its labels", () => {
  const odd = "<b>&\"=#";
  const script = { host: "a", url: "javascript:alert(1)" };
  assert.equal(pageOf({ host: "a", url: "https://a.example/cpu/" }, "1h"), "https://a.example/cpu/");
  assert.match(pageOf(script, "1h"), /^machine\?range=1h&label=host%3Da&label=url%3Djavascript/);
  assert.deepEqual(new URLSearchParams(pageOf({ host: odd, site: "" }, "7d").slice(8)).getAll("label"), [`host=${odd}`, "site="]);
});

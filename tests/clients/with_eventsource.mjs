// Reads the stream at the address given with eventsource, the EventSource of browsers for Node: it resumes by itself.

import { createRequire } from "node:module";

const { EventSource } = createRequire(new URL("../../web/package.json", import.meta.url))("eventsource");

/** Prints every event, also one whose name nobody listens for: its name, the id reached and its data. */
class Printing extends EventSource {
  /** @param {Event} event  those of the stream, and `open` and `error` of the connection */
  dispatchEvent(event) {
    if (event instanceof MessageEvent) console.log([event.type, event.lastEventId, event.data].join("\t"));
    return super.dispatchEvent(event);
  }
}

new Printing(process.argv[2]);
// While it waits to come back it keeps no program alive that has nothing else to do.
setInterval(() => {}, 2 ** 30);

// Reads the stream at the address given with eventsource-client, which comes back by itself with the id that it reached.

import { createRequire } from "node:module";

const { createEventSource } = createRequire(new URL("../../web/package.json", import.meta.url))("eventsource-client");

const source = createEventSource({ url: process.argv[2] });
for await (const { event, id, data } of source) console.log([event ?? "message", id ?? "", data].join("\t"));

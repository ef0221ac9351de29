// Stores traces numbered from 1 in the file named on the command line and prints each number once it is stored,
// until somebody kills it. What tests of durability run.
import { wallClock } from "@tracegate/contracts";
import { decodeJson, Payload } from "@tracegate/otlp";
import { createTraces } from "../src/index.ts";

const [path = ":memory:"] = process.argv.slice(2);
const traces = createTraces({ clock: wallClock, path, maxAgeMs: Number.MAX_SAFE_INTEGER });

for (let id = 1; ; id++) {
  const span = {
    traceId: String(id).padStart(32, "a"),
    spanId: "bbbbbbbbbbbbbbbb",
    name: "op",
    startTimeUnixNano: "1765800000000000000",
    endTimeUnixNano: "1765800000001000000",
  };
  const request = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  await traces.ingest(Payload.fromModel("traces", decodeJson("traces", request)));
  process.stdout.write(`${id}\n`);
}

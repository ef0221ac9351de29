import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../testing/index.ts";
import type { LogOptions } from "./log.ts";
import { createLogger } from "./log.ts";

function written(options: Partial<LogOptions>): string[] {
  const lines: string[] = [];
  const log = createLogger({
    clock: new ManualClock(1_765_826_264_123),
    write: (line) => lines.push(line),
    level: "info",
    encoding: "console",
    withCaller: true,
    fields: { resource: { "service.name": "otelcol-contrib" } },
    ...options,
  }).with({ "otelcol.component.id": "debug" });
  log.log("debug", "a.go", "unseen");
  log.log("info", "a.go", "seen", { spans: 2, list: [1, "x"] });
  return lines;
}

test("console lines are tab-separated, their fields JSON with blanks, as zap has it", () => {
  assert.deepEqual(written({}), [
    "2025-12-15T19:17:44.123Z\tinfo\ta.go\tseen\t" +
      '{"resource": {"service.name": "otelcol-contrib"}, "otelcol.component.id": "debug", "spans": 2, "list": [1, "x"]}\n',
  ]);
});

test("the caller can be left out, and all can be JSON", () => {
  assert.match(written({ withCaller: false })[0] ?? "", /^2025-12-15T19:17:44.123Z\tinfo\tseen\t/);
  const [line = ""] = written({ encoding: "json" });
  const { level, msg, spans, caller } = JSON.parse(line) as Record<string, unknown>;
  assert.deepEqual([level, msg, spans, caller], ["info", "seen", 2, "a.go"]);
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Payload } from "@tracegate/otlp";
import { decodeJson, Payload as Payloads, stringAttribute } from "@tracegate/otlp";
import { arbitraryRequest } from "@tracegate/otlp/testing";
import fc from "fast-check";
import { keptContext, ManualClock, settle } from "../../testing/index.ts";
import { isSignal } from "../payload-signal.ts";
import { actionProblems, actions, compileActions } from "./attribute-actions.ts";
import { memoryLimiterProcessor, memoryLimits } from "./memory-limiter.ts";
import { splitPayload } from "./split-payload.ts";

const MIB = 1024 * 1024;

test("a split payload keeps every span, in parts that are small enough", () => {
  fc.assert(
    fc.property(arbitraryRequest("traces"), fc.integer({ min: 1, max: 5 }), (request, max) => {
      const whole = Payloads.fromModel("traces", request);
      const parts = splitPayload(whole, max);
      assert.deepEqual(parts.flatMap(spanIds), spanIds(whole));
      for (const part of parts) assert.ok(part.items <= max || parts.length === 1);
    }),
    { numRuns: 50 },
  );
});

function spanIds(payload: Payload): string[] {
  if (!isSignal(payload, "traces")) return [];
  return payload
    .model()
    .resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans.map((x) => x.spanId)));
}

describe("memory_limiter", () => {
  const read = (settings: object) =>
    memoryLimiterProcessor.config.read({ check_interval: "1s", ...settings }, "", []);

  test("derives its limits from mebibytes or from a share of the machine", () => {
    const limits = (settings: object) => {
      const { hard, soft } = memoryLimits(read(settings) as Parameters<typeof memoryLimits>[0], 1000 * MIB);
      return [hard / MIB, soft / MIB];
    };
    assert.deepEqual(limits({ limit_mib: 100 }), [100, 80]);
    assert.deepEqual(limits({ limit_mib: 100, spike_limit_mib: 30 }), [100, 70]);
    assert.deepEqual(limits({ limit_percentage: 50, spike_limit_percentage: 10 }), [500, 400]);
  });

  test("names the first thing wrong with its settings", () => {
    const cases: readonly (readonly [object, string | undefined])[] = [
      [{ limit_mib: 100 }, undefined],
      [{ check_interval: 0 }, "'check_interval' must be greater than zero"],
      [{}, "'limit_mib' or 'limit_percentage' must be greater than zero"],
      [{ limit_mib: 5, spike_limit_mib: 5 }, "'spike_limit_mib' must be smaller than 'limit_mib'"],
      [
        { limit_percentage: 101 },
        "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred",
      ],
    ];
    for (const [settings, problem] of cases) {
      assert.deepEqual(
        memoryLimiterProcessor.validate?.(read(settings)),
        problem === undefined ? [] : [problem],
      );
    }
  });

  test("refuses data above its soft limit", async () => {
    const context = keptContext(new ManualClock());
    const limiter = memoryLimiterProcessor.create(
      read({ limit_mib: 1 }),
      context,
      { consume: async () => undefined },
      "traces",
    );
    await limiter.start?.();
    await settle();
    const payload = Payloads.fromModel("traces", decodeJson("traces", "{}"));
    await assert.rejects(limiter.consume(payload), {
      code: "Unavailable",
      description: "data refused due to high memory usage",
    });
    await limiter.shutdown?.();
    assert.match(context.lines.at(-1) ?? "", /Memory usage is above soft limit. Refusing data./);
  });
});

describe("attribute actions", () => {
  const run = (list: readonly object[]) => {
    const edit = compileActions(actions.read(list, "", []));
    const edited = edit([
      stringAttribute("a", "1"),
      stringAttribute("url", "/u/42/x"),
      stringAttribute("gone", "x"),
    ]);
    return Object.fromEntries(edited.map(({ key, value }) => [key, Object.values(value)[0]]));
  };
  const base = { a: "1", url: "/u/42/x", gone: "x" };

  test("do what their names say", () => {
    const cases: readonly (readonly [object, object])[] = [
      [{ key: "a", action: "insert", value: "2" }, base],
      [
        { key: "b", action: "INSERT", value: 2 },
        { ...base, b: 2n },
      ],
      [
        { key: "a", action: "update", value: "2" },
        { ...base, a: "2" },
      ],
      [{ key: "b", action: "update", value: "2" }, base],
      [
        { key: "b", action: "upsert", from_attribute: "a" },
        { ...base, b: "1" },
      ],
      [{ key: "b", action: "upsert", from_attribute: "none" }, base],
      [
        { action: "delete", pattern: "^g" },
        { a: "1", url: "/u/42/x" },
      ],
      [
        { key: "url", action: "extract", pattern: "^/u/(?P<user>\\d+)" },
        { ...base, user: "42" },
      ],
      [
        { key: "a", action: "convert", converted_type: "int" },
        { ...base, a: 1n },
      ],
      [{ key: "url", action: "convert", converted_type: "int" }, base],
    ];
    for (const [action, expected] of cases) assert.deepEqual(run([action]), expected, JSON.stringify(action));
  });

  test("that make no sense are refused in the Collector's words", () => {
    const cases: readonly (readonly [object, string])[] = [
      [
        { action: "insert", value: 1 },
        'error creating AttrProc due to missing required field "key" at the 0-th actions',
      ],
      [
        { key: "a", action: "insert" },
        'error creating AttrProc. Either field "value", "from_attribute" or "from_context" setting must be specified for 0-th action',
      ],
      [
        { key: "a", action: "insert", value: 1, from_attribute: "b" },
        "error creating AttrProc due to multiple value sources being set at the 0-th actions",
      ],
      [
        { key: "a", action: "frob" },
        'error creating AttrProc due to unsupported action "frob" at the 0-th actions',
      ],
      [
        { key: "a", action: "extract", pattern: "(x)" },
        'error creating AttrProc. Field "pattern" contains no named matcher groups at the 0-th actions',
      ],
    ];
    for (const [action, message] of cases)
      assert.deepEqual(actionProblems(actions.read([action], "", [])), [message]);
  });
});

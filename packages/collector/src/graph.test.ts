import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Payload } from "@tracegate/otlp";
import { decodeJson, Payload as Payloads } from "@tracegate/otlp";
import { keptContext, ManualClock } from "../testing/index.ts";
import type { Components, Consumer } from "./component.ts";
import { components as all } from "./components.ts";
import { unmarshal } from "./config/collector-config.ts";
import { struct } from "./config/fields.ts";
import { buildGraph } from "./graph.ts";

const ONE = Payloads.fromModel(
  "traces",
  decodeJson("traces", '{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}'),
);

/** Builds pipelines over receivers `in` and exporters `out`, and remembers what was made and what arrived. */
function build(pipelines: Readonly<Record<string, object>>, exporters: readonly string[] = ["out"]) {
  const inputs = new Map<string, Consumer>();
  const arrived: string[] = [];
  const none = struct({});
  const components: Components = {
    ...all,
    receivers: [
      {
        type: "in",
        config: none,
        signals: ["traces", "metrics"],
        create(_config, { id }, next) {
          if (next.traces) inputs.set(id, next.traces);
          return {};
        },
      },
    ],
    exporters: [
      {
        type: "out",
        config: none,
        signals: ["traces", "metrics"],
        create: (_config, { id }) => ({
          async consume(payload: Payload) {
            if (id === "out/failing") throw new Error("no");
            arrived.push(`${id} ${payload.signal}`);
          },
        }),
      },
    ],
  };
  const tree = {
    receivers: { in: null },
    exporters: Object.fromEntries(exporters.map((id) => [id, null])),
    connectors: { forward: null, "forward/b": null },
    service: { pipelines },
  };
  const context = keptContext(new ManualClock());
  const nodes = buildGraph(unmarshal(tree, components), components, (_kind, id) => ({ ...context, id }));
  const send = () => inputs.get("in")?.consume(ONE) ?? Promise.reject(new Error("nothing is received"));
  return { nodes: nodes.map((n) => `${n.kind} ${n.id}`), arrived, send };
}

describe("the graph", () => {
  test("makes one exporter for all pipelines of a signal, and data arrives once for each", async () => {
    const { nodes, arrived, send } = build({
      "traces/a": { receivers: ["in", "in"], exporters: ["out", "out"] },
      "traces/b": { receivers: ["in"], exporters: ["out"] },
    });
    assert.deepEqual(nodes, ["exporter out", "receiver in"]);
    await send();
    assert.deepEqual(arrived, ["out traces", "out traces"]);
  });

  test("starts what receives before what sends, through connectors too", async () => {
    const { nodes, arrived, send } = build({
      "traces/in": { receivers: ["in"], exporters: ["forward"] },
      "traces/middle": { receivers: ["forward"], exporters: ["forward/b"] },
      "traces/out": { receivers: ["forward/b"], exporters: ["out"] },
    });
    assert.deepEqual(nodes, ["exporter out", "connector forward/b", "connector forward", "receiver in"]);
    await send();
    assert.deepEqual(arrived, ["out traces"]);
  });

  test("gives data to the others when one exporter fails, and still says so", async () => {
    const { arrived, send } = build({ traces: { receivers: ["in"], exporters: ["out/failing", "out"] } }, [
      "out",
      "out/failing",
    ]);
    await assert.rejects(send(), { message: "no" });
    assert.deepEqual(arrived, ["out traces"]);
  });

  test("shows the way of a circle over several pipelines", () => {
    const circle = {
      "traces/1": { receivers: ["in", "forward/b"], exporters: ["forward"] },
      "traces/2": { receivers: ["forward"], exporters: ["forward/b"] },
    };
    assert.throws(() => build(circle), {
      message:
        'cycle detected: connector "forward" (traces to traces) -> connector "forward/b" (traces to traces) -> connector "forward" (traces to traces)',
    });
  });
});

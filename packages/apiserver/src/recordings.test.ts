import assert from "node:assert/strict";
import { test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { memoryStore } from "@tracegate/store";
import { knownDifferences } from "../testing/known-differences.ts";
import { differences } from "../testing/recorded-comparison.ts";
import { replay } from "../testing/recorded-conversation.ts";
import { createApi } from "./core/api.ts";
import { startApiServer } from "./http/api-server.ts";

test("the recorded conversation with kube-apiserver goes the same way, but for the listed differences", async (t) => {
  // Time stands still, so that entries written in one second stay in one.
  const clock = { ...wallClock, now: () => Date.UTC(2026, 0, 1) };
  const api = createApi({ store: memoryStore(), clock });
  const server = await startApiServer({
    api,
    port: 0,
    tokens: [
      { token: "admintoken", user: { name: "admin", groups: ["system:masters"] } },
      {
        token: "viewertoken",
        user: { name: "viewer", uid: "7f3d0a52-4c11-4f5e-9d3c-0a4b1f6f2d10", groups: [] },
      },
    ],
  });
  try {
    const exchanged = await replay(server.url);
    const differing = new Map<string, string[]>();
    for (const exchange of exchanged) {
      const found = differences(exchange);
      if (found.length > 0) differing.set(exchange.recorded.name, found);
    }
    t.diagnostic(`${exchanged.length - differing.size} of ${exchanged.length} recorded requests agree`);
    const unexpected = [...differing].filter(([name]) => !(name in knownDifferences));
    assert.deepEqual(unexpected, [], "differences that are not listed");
    const healed = Object.keys(knownDifferences).filter((name) => !differing.has(name));
    assert.deepEqual(healed, [], "listed differences that are gone");
  } finally {
    await server.close();
  }
});

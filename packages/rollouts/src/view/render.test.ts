import assert from "node:assert/strict";
import { test } from "node:test";
import { renderRollout, renderRolloutList, renderStatus } from "./render.ts";
import type { RolloutView } from "./rollout-view.ts";

const now = Date.parse("2030-01-01T01:00:00Z");
const ago = (seconds: number): number => now - seconds * 1000;

const view: RolloutView = {
  name: "shop",
  namespace: "web",
  phase: "Progressing",
  message: "more replicas need to be updated",
  strategy: "Canary",
  createdAt: ago(3000),
  step: "1/4",
  setWeight: 40,
  actualWeight: 50,
  images: [
    { image: "shop:1", tags: ["stable"] },
    { image: "shop:2", tags: ["canary"] },
  ],
  desired: 2,
  current: 2,
  updated: 1,
  ready: 2,
  available: 2,
  revisions: [
    {
      revision: 2,
      replicaSets: [
        {
          name: "shop-b",
          status: "Healthy",
          createdAt: ago(40),
          roles: ["canary"],
          pods: [{ name: "shop-b-x", status: "Running", createdAt: ago(40), ready: "1/1", restarts: 2 }],
        },
      ],
      runs: [
        {
          name: "shop-b-2-1",
          status: "Running",
          createdAt: ago(10),
          successful: 3,
          failed: 1,
          inconclusive: 0,
          error: 0,
          jobs: [],
        },
      ],
    },
    {
      revision: 1,
      replicaSets: [
        {
          name: "shop-a",
          status: "ScaledDown",
          createdAt: ago(3000),
          roles: ["stable"],
          scaleDownAt: now + 25_000,
          pods: [],
        },
      ],
      runs: [],
    },
  ],
};

test("a Rollout is a header and a tree of its revisions", () => {
  const lines = renderRollout(view, { now }).split("\n");
  // As the original does, which scripts cut by position.
  assert.equal(lines.at(-7), "⟳ shop               Rollout      ◌ Progressing  50m  ");
  assert.equal(
    lines.map((line) => line.trimEnd()).join("\n"),
    `Name:            shop
Namespace:       web
Status:          ◌ Progressing
Message:         more replicas need to be updated
Strategy:        Canary
  Step:          1/4
  SetWeight:     40
  ActualWeight:  50
Images:          shop:1 (stable)
                 shop:2 (canary)
Replicas:
  Desired:       2
  Current:       2
  Updated:       1
  Ready:         2
  Available:     2

NAME                 KIND         STATUS         AGE  INFO
⟳ shop               Rollout      ◌ Progressing  50m
├──# revision:2
│  ├──⧉ shop-b       ReplicaSet   ✔ Healthy      40s  canary
│  │  └──□ shop-b-x  Pod          ✔ Running      40s  ready:1/1,restarts:2
│  └──α shop-b-2-1   AnalysisRun  ◌ Running      10s  ✔ 3,✖ 1
└──# revision:1
   └──⧉ shop-a       ReplicaSet   • ScaledDown   50m  stable,delay:25s`,
  );
});

test("rows are cut to the terminal's width, and colours do not count", () => {
  const lines = renderRollout(view, { now, width: 30, paint: (tone, text) => `<${tone}>${text}</>` }).split(
    "\n",
  );
  const rows = lines.slice(lines.findIndex((line) => line.includes("NAME ")));
  for (const row of rows) assert.ok(Array.from(row.replaceAll(/<\/?[a-z]*>/g, "")).length <= 30, row);
});

test("a state is painted by its meaning", () => {
  const text = renderRollout(view, { now, paint: (tone, inner) => `<${tone}>${inner}</>` });
  assert.match(text, /Status: +<progress>◌ Progressing<\/>/);
  assert.match(text, /ReplicaSet +<good>✔ Healthy<\/>/);
});

test("the status is one line", () => {
  assert.equal(renderStatus(view), "Progressing - more replicas need to be updated");
  assert.equal(
    renderStatus({ phase: "Degraded", message: "RolloutAborted: x" }),
    "Degraded - RolloutAborted: x",
  );
  assert.equal(renderStatus({ phase: "Healthy", message: "" }), "Healthy");
});

test("a list has a row a Rollout", () => {
  assert.equal(
    renderRolloutList([view]),
    "NAME  STRATEGY  STATUS       STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE\nshop  Canary    Progressing  1/4   40          2/2    2        1           2",
  );
  assert.match(renderRolloutList([view], { allNamespaces: true }), /^NAMESPACE {2}NAME/);
});

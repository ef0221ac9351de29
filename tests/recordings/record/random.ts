import type { ActionInput, ScenarioInput } from "./scenario.ts";

// Scenarios drawn by seed: npm run record -- --from tests/recordings/record/random.ts. What they ask nobody thought of.

type Json = Record<string, unknown>;

/** Numbers in [0, 1) that follow from the seed. */
function drawn(seed: number): () => number {
  let state = seed * 2654435761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

function scenario(seed: number): ScenarioInput {
  const random = drawn(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // lists here hold something
  const often = (share: number): boolean => random() < share;
  const template = (image: string): Json => ({
    metadata: { labels: { app: "web" } },
    spec: { nodeName: "n1", terminationGracePeriodSeconds: 0, containers: [{ name: "web", image }] },
  });
  const services = ["one", "two"].map((name) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
  }));
  const gate: Json = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisTemplate",
    metadata: { name: "gate" },
    spec: {
      metrics: [
        {
          name: "errors",
          interval: "1s",
          count: pick([1, 2]),
          successCondition: "result[0] < 0.05",
          ...(often(0.3) ? { failureCondition: "result[0] > 0.5" } : {}),
          failureLimit: pick([0, 0, 1]),
          provider: { prometheus: { address: "http://prometheus", query: "errors" } },
        },
      ],
    },
  };
  const analysis = { templates: [{ templateName: "gate" }] };
  const step = (): Json =>
    pick<Json>([
      { setWeight: pick([0, 10, 25, 33, 50, 66, 80, 100]) },
      { setWeight: pick([20, 40, 60]) },
      { pause: pick([{}, { duration: 1 }, { duration: "2s" }]) },
      { analysis },
    ]);
  const isCanary = often(0.65);
  const strategy = isCanary
    ? {
        canary: {
          steps: Array.from({ length: Math.floor(random() * 5) }, step),
          ...(often(0.4) ? { maxSurge: pick([1, 2, "50%"]), maxUnavailable: pick([0, 1, "25%"]) } : {}),
          ...(often(0.3) ? { stableService: "one", canaryService: "two" } : {}),
          ...(often(0.2) ? { analysis } : {}),
          ...(often(0.2) ? { canaryMetadata: { labels: { role: "canary" } } } : {}),
        },
      }
    : {
        blueGreen: {
          activeService: "one",
          ...(often(0.7) ? { previewService: "two" } : {}),
          ...(often(0.4) ? { autoPromotionEnabled: false } : {}),
          ...(often(0.2) ? { autoPromotionSeconds: 2 } : {}),
          ...(often(0.3) ? { scaleDownDelaySeconds: pick([1, 3]) } : {}),
          ...(often(0.2) ? { previewReplicaCount: 1 } : {}),
          ...(often(0.3) ? { prePromotionAnalysis: analysis } : {}),
          ...(often(0.2) ? { postPromotionAnalysis: analysis } : {}),
        },
      };
  const patch = (spec: Json): ActionInput["do"] => ({ patch: { spec } });
  const image = () => patch({ template: template(`web:${pick([1, 2, 2, 3])}${often(0.1) ? "-slow" : ""}`) });
  const next = (): ActionInput => ({
    after: pick([900, 1600, 2500]),
    do: pick<ActionInput["do"]>([
      image(),
      "promote web",
      "promote web",
      "promote web --full",
      "abort web",
      "retry rollout web",
      "undo web",
      "pause web",
      patch({ replicas: pick([1, 2, 3, 5]) }),
      patch({ paused: false }),
    ]),
  });
  const rollout = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: "web" },
    spec: {
      replicas: pick([1, 2, 3, 4, 5]),
      selector: { matchLabels: { app: "web" } },
      template: template("web:1"),
      ...(often(0.2) ? { minReadySeconds: 1 } : {}),
      strategy,
    },
  };
  return {
    name: `drawn-${seed}`,
    about: `drawn by seed ${seed}`,
    input: {
      objects: [...services, gate, rollout],
      prometheus: [{ match: "errors", values: pick([[0.01], [0.01, 0.9], [0.9], [0.3, 0.01]]) }],
      actions: [
        { waited: "healthy", do: patch({ template: template("web:2") }) },
        ...Array.from({ length: 2 + Math.floor(random() * 3) }, next),
        { after: 2500, do: "wait" },
      ],
    },
  };
}

export const scenarios: readonly ScenarioInput[] = Array.from({ length: 60 }, (_, seed) => scenario(seed + 1));

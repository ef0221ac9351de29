import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnalysisTemplate, AnalysisTemplateSpec } from "@tracegate/analysis";
import type { Service } from "@tracegate/kube";
import { RolloutWorld } from "../testing/rollout-world.ts";
import type { BlueGreenStrategy, CanaryStep, CanaryStrategy, RolloutSpec } from "./types.ts";
import { invalidSpec } from "./validate.ts";

const canary = (of: CanaryStrategy): Partial<RolloutSpec> => ({ strategy: { canary: of } });
const step = (...steps: CanaryStep[]): Partial<RolloutSpec> => canary({ steps });
const routedStep = (routing: Record<string, unknown>, ...steps: CanaryStep[]): Partial<RolloutSpec> =>
  canary({ trafficRouting: routing, canaryService: "c", stableService: "s", steps });
const blueGreen = (of: Partial<BlueGreenStrategy>): Partial<RolloutSpec> => ({
  strategy: { blueGreen: { activeService: "a", ...of } },
});
const pod = (spec: object) =>
  ({ template: { metadata: { labels: { app: "web" } }, spec } }) as Partial<RolloutSpec>;
const container = { name: "web", image: "web:1" };
const header = (headerValue?: object): CanaryStep => ({
  setHeaderRoute: {
    name: "r",
    match: [{ headerName: "h", ...(headerValue === undefined ? {} : { headerValue }) }],
  },
});
const managed = { managedRoutes: [{ name: "r" }] };
const both = "Canary service and Stable service must to be set to use Traffic Routing";
const pingPong = { pingService: "p", pongService: "q" };

/** A spec (over a good one), and what it is refused for. */
const table: readonly [Partial<RolloutSpec>, string][] = [
  [{ replicas: -1 }, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
  [{ minReadySeconds: -1 }, "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"],
  [
    { revisionHistoryLimit: -1 },
    "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0",
  ],
  [
    { progressDeadlineSeconds: -1 },
    "spec.progressDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
  ],
  [
    { progressDeadlineSeconds: 10, minReadySeconds: 10 },
    "spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds",
  ],
  [{ selector: {} }, "spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
  [
    { selector: { matchLabels: { app: "other" } } },
    'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
  ],
  // Of several, the first in upstream's order is told.
  [
    { selector: {}, minReadySeconds: -1 },
    "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
  ],
  [pod({ containers: [] }), "spec.template.spec.containers: Required value"],
  [pod({ containers: [{ image: "web:1" }] }), "spec.template.spec.containers[0].name: Required value"],
  [pod({ containers: [{ name: "web" }] }), "spec.template.spec.containers[0].image: Required value"],
  [
    pod({ containers: [container, container] }),
    'spec.template.spec.containers[1].name: Duplicate value: "web"',
  ],
  [
    pod({ containers: [container], restartPolicy: "Never" }),
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ],
  [
    { workloadRef: { kind: "Deployment", name: "d" } },
    "spec.template: Internal error: template must be empty for workload reference rollout",
  ],
  [
    blueGreen({ previewService: "a" }),
    'spec.strategy.activeService: Invalid value: "a": This rollout uses the same service for the active and preview services, but two different services are required.',
  ],
  [
    blueGreen({ activeService: "" }),
    'spec.strategy.activeService: Invalid value: "": This rollout uses the same service for the active and preview services, but two different services are required.',
  ],
  [
    { ...blueGreen({ scaleDownDelayRevisionLimit: 3 }), revisionHistoryLimit: 2 },
    "spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 3: This rollout's revision history limit can not be smaller than the rollout's scale down limit",
  ],
  [
    canary({ canaryService: "s", stableService: "s" }),
    'spec.strategy.stableService: Invalid value: "s": This rollout uses the same service for the stable and canary services, but two different services are required.',
  ],
  [
    canary({ maxSurge: "0%", maxUnavailable: "0" }),
    'spec.strategy.maxSurge: Invalid value: "0%": MaxSurge and MaxUnavailable both can not be zero',
  ],
  [
    canary({ trafficRouting: { nginx: {} }, stableService: "s" }),
    `spec.strategy.canaryService: Invalid value: "": ${both}`,
  ],
  [canary({ trafficRouting: { istio: {} } }), `spec.strategy.stableService: Invalid value: "": ${both}`],
  [
    canary({ trafficRouting: { nginx: {} }, pingPong }),
    "spec.strategy.trafficRouting.alb: Invalid value: null: Ping-pong feature works with the ALB and Istio traffic routers only",
  ],
  [
    canary({ trafficRouting: { alb: {} }, pingPong: { ...pingPong, pongService: "" } }),
    'spec.strategy.pingPong.pongService: Invalid value: "": Ping service and Pong service must to be set to use Ping-Pong feature',
  ],
  [
    canary({ trafficRouting: { alb: {} }, pingPong: { pingService: "p", pongService: "p" } }),
    'spec.strategy.pingPong.pingService: Invalid value: "p": This rollout uses the same service for the ping and pong services, but two different services are required.',
  ],
  [
    canary({ trafficRouting: { alb: {} }, pingPong }),
    'spec.strategy.trafficRouting.alb.rootService: Invalid value: "": Root service field is required for the configuration with ALB and ping-pong feature enabled',
  ],
  [
    canary({ scaleDownDelaySeconds: 5 }),
    "spec.strategy.scaleDownDelaySeconds: Invalid value: 5: Canary scaleDownDelaySeconds can only be used with traffic routing",
  ],
  [
    canary({ dynamicStableScale: true }),
    "spec.strategy.dynamicStableScale: Invalid value: true: Canary dynamicStableScale can only be used with traffic routing",
  ],
  [
    canary({
      trafficRouting: { plugins: {} },
      scaleDownDelaySeconds: 5,
      dynamicStableScale: true,
    }),
    "spec.strategy.dynamicStableScale: Invalid value: true: Canary dynamicStableScale cannot be used with scaleDownDelaySeconds",
  ],
  [
    routedStep({ istio: {}, maxTrafficWeight: 1000 }),
    "spec.strategy.trafficRouting.maxTrafficWeight: Invalid value: 1000: Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins",
  ],
  [
    step({ setWeight: 10, pause: {} }),
    'spec.strategy.steps[0]: Invalid value: "step.Experiment: false step.Pause: true step.SetWeight: true step.Analysis: false": Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause',
  ],
  [
    step({ pause: {} }, { setWeight: -1 }),
    "spec.strategy.steps[1].setWeight: Invalid value: -1: SetWeight needs to be between 0 and 100",
  ],
  [
    routedStep({ nginx: {}, maxTrafficWeight: 1000 }, { setWeight: 1001 }),
    "spec.strategy.steps[0].setWeight: Invalid value: 1001: SetWeight needs to be between 0 and 1000",
  ],
  [
    step({ pause: { duration: "soon" } }),
    "spec.strategy.steps[0].pause.duration: Invalid value: -1: Duration needs to be greater than 0",
  ],
  [
    step({ setHeaderRoute: { name: "r" } }),
    'spec.strategy.steps[0].setHeaderRoute: Invalid value: {"name":"r"}: SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix',
  ],
  [
    routedStep({ nginx: {} }, { setMirrorRoute: { name: "r" } }),
    'spec.strategy.steps[0].setMirrorRoute: Invalid value: {"name":"r"}: SetMirrorRoute requires TrafficRouting, supports Istio only',
  ],
  [
    routedStep({ istio: {}, ...managed }, header({ exact: "a", prefix: "b" })),
    'spec.strategy.steps[0].setHeaderRoute.match[0]: Invalid value: {"exact":"a","prefix":"b"}: StringMatch match value must have exactly one of the following: exact, regex, prefix',
  ],
  [
    routedStep({ istio: {}, ...managed }, header()),
    "spec.strategy.steps[0].setHeaderRoute.match[0]: Invalid value: null: StringMatch value missed, match value must have one of the following: exact, regex, prefix",
  ],
  [
    routedStep({ alb: {}, ...managed }, header({ prefix: "b" })),
    `spec.strategy.steps[0].setHeaderRoute.match[0]: Invalid value: {"prefix":"b"}: SetHeaderRoute match value invalid. ALB supports 'exact' value only`,
  ],
  [
    routedStep({ istio: {} }, header({ exact: "a" })),
    "spec.strategy.trafficRouting.managedRoutes: Required value: Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'",
  ],
  [
    routedStep({ istio: {}, managedRoutes: [] }, header({ exact: "a" })),
    'spec.strategy.steps[0].setHeaderRoute: Invalid value: "r": Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes',
  ],
  [
    step({ pause: {} }, { experiment: { templates: [{ name: "e" }, { name: "f", weight: 5 }] } }),
    "spec.strategy.steps[1].experiment.templates[1].weight: Invalid value: 5: Experiment template weight cannot be set unless TrafficRouting is enabled",
  ],
  [
    routedStep({ nginx: {} }, { experiment: { templates: [{ name: "e", weight: 5 }] } }),
    "spec.strategy.steps[0].experiment.templates[0].weight: Invalid value: 5: Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins at this time",
  ],
  [
    step({ analysis: { args: [{ name: "x", valueFrom: { fieldRef: { fieldPath: "metadata.owner" } } }] } }),
    'spec.strategy.steps[0].analyses: Invalid value: [{"name":"x","valueFrom":{"fieldRef":{"fieldPath":"metadata.owner"}}}]: Analyses arguments must refer to valid object metadata supported by downwardAPI',
  ],
  [
    canary({ antiAffinity: {} }),
    'spec.strategy.antiAffinity: Invalid value: "antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: false antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: false": AntiAffinity must have exactly one strategy listed',
  ],
  [
    blueGreen({ antiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: { weight: 0 } } }),
    "spec.strategy.antiAffinity.weight: Invalid value: 0: AntiAffinity weight must be between 1-100",
  ],
  // What is right but not carried out here is refused by name.
  [
    routedStep({ nginx: {} }),
    "spec.strategy.canary.trafficRouting: Forbidden: is not supported by this controller",
  ],
  [
    step({ experiment: { templates: [{ name: "e" }] } }),
    "spec.strategy.canary.steps[0].experiment: Forbidden: is not supported by this controller",
  ],
  [
    step({ plugin: { name: "p" } }),
    "spec.strategy.canary.steps[0].plugin: Forbidden: is not supported by this controller",
  ],
];

const problem = (world: RolloutWorld): string | undefined =>
  invalidSpec(world.snapshot)?.replace('The Rollout "web" is invalid: ', "");

for (const [spec, expected] of table)
  test(`refused: ${expected}`, () => {
    const world = new RolloutWorld({ strategy: { canary: {} }, ...spec }, ["a", "c", "s"]);
    assert.equal(problem(world), expected);
  });

test("what is good passes: no steps, an empty experiment, a pause of nothing, a rollback window", () => {
  for (const spec of [
    canary({}),
    step({ experiment: { templates: [] } }, { pause: { duration: 0 } }, { setWeight: 100 }),
    { ...canary({ replicaProgressThreshold: { type: "Pods", value: 1 } }), rollbackWindow: { revisions: 3 } },
    step({
      analysis: { args: [{ name: "x", valueFrom: { fieldRef: { fieldPath: "metadata.labels['a.b/c']" } } }] },
    }),
  ] satisfies Partial<RolloutSpec>[])
    assert.equal(problem(new RolloutWorld(spec)), undefined);
});

const service = (name: string, selector: Record<string, string>, owner?: string): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name,
    ...(owner === undefined
      ? {}
      : { annotations: { "argo-rollouts.argoproj.io/managed-by-rollouts": owner } }),
  },
  spec: { selector },
});

test("Services must be there, select the pods, and belong to no other Rollout", () => {
  const refusal = (...services: Service[]): string | undefined => {
    const world = new RolloutWorld(canary({ stableService: "s", canaryService: "c" }));
    for (const one of services) world.services.set(one.metadata.name, one);
    return problem(world);
  };
  const [stable, own] = [service("s", { app: "web" }), service("c", { app: "web" })];
  assert.equal(refusal(), 'spec.strategy.canary.stableService: Invalid value: "s": service "s" not found');
  assert.equal(
    refusal(service("s", { app: "x" })),
    'spec.strategy.canary.canaryService: Invalid value: "c": service "c" not found',
  );
  assert.equal(
    refusal(service("s", { app: "x" }), own),
    'spec.strategy.canary.stableService: Invalid value: "s": Service "s" has unmatch label "app" in rollout',
  );
  assert.equal(
    refusal(service("s", { app: "web" }, "other"), own),
    'spec.strategy.canary.stableService: Invalid value: "s": Service "s" is managed by another Rollout',
  );
  assert.equal(refusal(stable, own), undefined);
});

test("templates must be there, agree with each other, and come to an end", () => {
  const template = (name: string, spec: AnalysisTemplateSpec): AnalysisTemplate => ({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisTemplate",
    metadata: { name },
    spec,
  });
  const metric = (name: string, over: object = {}) => ({
    name,
    provider: { prometheus: { query: "q" } },
    ...over,
  });
  const refusal = (first: AnalysisTemplateSpec, second: AnalysisTemplateSpec = {}, args: object = {}) => {
    const templates = [{ templateName: "t" }, { templateName: "u" }];
    const world = new RolloutWorld(step({ analysis: { templates, ...args } }));
    world.templates.set("t", template("t", first));
    world.templates.set("u", template("u", second));
    return problem(world)?.replace("spec.strategy.canary.steps[0].analysis.templates: Invalid value: ", "");
  };
  const merged = '"templateNames: [t u]": ';
  assert.equal(
    refusal({ metrics: [metric("m")] }, { metrics: [metric("m")] }),
    `${merged}two metrics have the same name 'm'`,
  );
  assert.equal(
    refusal({ metrics: [metric("m")], args: [{ name: "x" }] }),
    `${merged}args.x was not resolved`,
  );
  assert.equal(
    refusal({ args: [{ name: "x", value: "1" }] }, { args: [{ name: "x", value: "2" }] }),
    `${merged}Argument \`x\` specified multiple times with different values: '1', '2'`,
  );
  assert.equal(
    refusal({ dryRun: [{ metricName: "m" }] }, { dryRun: [{ metricName: "m" }] }),
    `${merged}two Dry-Run metric rules have the same name 'm'`,
  );
  assert.equal(
    refusal({ metrics: [metric("m", { interval: "1m" })] }),
    '"t": AnalysisTemplate t has metric m which runs indefinitely. Invalid value for count: <nil>',
  );
  // What a run would refuse is found when one begins.
  assert.equal(refusal({ metrics: [metric("m", { interval: "soon", count: 1 })] }), undefined);
  const templated = { metrics: [metric("m", { interval: "{{args.x}}", count: "2" })], args: [{ name: "x" }] };
  assert.equal(refusal(templated, {}, { args: [{ name: "x", value: "10s" }] }), undefined);
  assert.equal(
    refusal({
      metrics: [metric("m", { interval: "1s", count: "{{args.n}}" })],
      args: [{ name: "n", value: "2" }],
    }),
    undefined,
  );
  assert.equal(
    refusal({ metrics: [metric("m", { interval: "{{args.y}}", count: 1 })] }),
    '"t": AnalysisTemplate t: failed to resolve {{args.y}}',
  );
  const lost = new RolloutWorld(
    step({ analysis: { templates: [{ templateName: "v", clusterScope: true }] } }),
  );
  assert.equal(
    problem(lost),
    `spec.strategy.canary.steps[0].analysis.templates: Invalid value: "v": ClusterAnalysisTemplate 'v' not found`,
  );
});

import type { ActionInput, ScenarioInput } from "./scenario.ts";

// What scenarios of Argo Rollouts are put together from.

export type Json = Record<string, unknown>;

export const template = (image: number | string, over: Json = {}): Json => ({
  metadata: { labels: { app: "web" } },
  spec: {
    nodeName: "n1",
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "web", image: typeof image === "number" ? `web:${image}` : image }],
  },
  ...over,
});

export function rollout(strategy: Json, spec: Json = {}): Json {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: template(1),
      ...spec,
      strategy,
    },
  };
}
export const canary = (steps: readonly Json[] | undefined, over: Json = {}, spec: Json = {}): Json =>
  rollout({ canary: { ...(steps === undefined ? {} : { steps }), ...over } }, spec);
export const blueGreen = (over: Json = {}, spec: Json = {}): Json =>
  rollout({ blueGreen: { activeService: "active", ...over } }, spec);
export const service = (name: string, selector: Json = { app: "web" }): Json => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector, ports: [{ port: 80 }] },
});
export const active = service("active");
export const preview = service("preview");

export const weight = (setWeight: number): Json => ({ setWeight });
export const forever: Json = { pause: {} };
export const pause = (duration: string | number): Json => ({ pause: { duration } });
export const analysis = (...templates: string[]): Json => ({
  analysis: { templates: templates.map((templateName) => ({ templateName })) },
});
export const query = (text = "errors"): Json => ({ prometheus: { address: "http://prometheus", query: text } });
export const metric = (over: Json = {}): Json => ({
  name: "errors",
  interval: "1s",
  count: 1,
  successCondition: "result[0] < 0.05",
  provider: query(),
  ...over,
});
export const gate = (metrics: readonly Json[], over: Json = {}, name = "gate", kind = "AnalysisTemplate"): Json => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind,
  metadata: { name },
  spec: { metrics, ...over },
});

export const patch = (spec: Json): ActionInput["do"] => ({ patch: { spec } });
export const image = (version: number | string): ActionInput["do"] => patch({ template: template(version) });
export const on = (waited: string, action: ActionInput["do"]): ActionInput => ({ waited, do: action });
export const after = (ms: number, action: ActionInput["do"] = "wait"): ActionInput => ({ after: ms, do: action });
export const update = on("healthy", image(2));
export const done = on("done", "wait");

/** A list of scenarios under construction, and what adds one to it: `prometheus` answers what asks for `errors`. */
export function scenarioList() {
  const list: ScenarioInput[] = [];
  const scenario = (
    name: string,
    about: string,
    objects: readonly Json[],
    actions: readonly ActionInput[] = [],
    prometheus?: readonly unknown[],
  ): void => {
    const rules = prometheus === undefined ? {} : { prometheus: [{ match: "errors", values: prometheus }] };
    list.push({ name, about, input: { objects, ...rules, actions } });
  };
  return { list, scenario };
}

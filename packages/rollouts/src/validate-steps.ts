import type { Argument } from "@tracegate/analysis";
import { isObject } from "@tracegate/kube";
import { pauseSeconds } from "./durations.ts";
import { bad, missing } from "./field-problems.ts";
import type { CanaryStep, CanaryStrategy } from "./types.ts";

type Routing = CanaryStrategy["trafficRouting"];

/** The first thing wrong with one step of a canary. */
export function stepProblem(
  step: CanaryStep,
  path: string,
  { trafficRouting }: CanaryStrategy,
): string | undefined {
  return (
    kindProblem(step, path) ??
    rangeProblem(step, path, trafficRouting) ??
    (step.setCanaryScale !== undefined && trafficRouting === undefined
      ? missing("spec.strategy.trafficRouting", "SetCanaryScale requires TrafficRouting to be set")
      : undefined) ??
    headerRouteProblem(step, path, trafficRouting) ??
    mirrorRouteProblem(step, path, trafficRouting) ??
    managedRouteProblem(step, path, trafficRouting) ??
    experimentProblem(step, path, trafficRouting) ??
    argsProblem(step, path)
  );
}

/** As upstream lists them; more than one of the first four is refused. */
const kinds = [
  "experiment",
  "pause",
  "setWeight",
  "analysis",
  "setCanaryScale",
  "setHeaderRoute",
  "setMirrorRoute",
  "plugin",
] as const;

function kindProblem(step: CanaryStep, path: string): string | undefined {
  const oneOf =
    "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";
  const label = (name: string): string => `step.${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const main = kinds.slice(0, 4);
  if (main.filter((name) => step[name] !== undefined).length > 1)
    return bad(path, main.map((name) => `${label(name)}: ${step[name] !== undefined}`).join(" "), oneOf);
  if (kinds.some((name) => step[name] !== undefined)) return undefined;
  // As upstream: true says that the field is absent.
  return bad(path, kinds.map((name) => `${label(name)}: true`).join(" "), oneOf);
}

function rangeProblem({ setWeight, pause }: CanaryStep, path: string, routing: Routing): string | undefined {
  const most = Number(routing?.["maxTrafficWeight"] ?? 100);
  if (setWeight !== undefined && (setWeight < 0 || setWeight > most))
    return bad(`${path}.setWeight`, setWeight, `SetWeight needs to be between 0 and ${most}`);
  const seconds = pause?.duration === undefined ? 0 : pauseSeconds(pause.duration);
  return seconds < 0
    ? bad(`${path}.pause.duration`, seconds, "Duration needs to be greater than 0")
    : undefined;
}

const hasRouter = (routing: Routing, names: readonly string[]): boolean =>
  names.some((name) => routing?.[name] !== undefined);

function headerRouteProblem(
  { setHeaderRoute }: CanaryStep,
  path: string,
  routing: Routing,
): string | undefined {
  if (setHeaderRoute === undefined) return undefined;
  const at = `${path}.setHeaderRoute`;
  if (!hasRouter(routing, ["istio", "alb", "apisix", "plugins"]))
    return bad(
      at,
      declared(setHeaderRoute),
      "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix",
    );
  for (const [i, match] of (setHeaderRoute.match ?? []).entries()) {
    const value = isObject(match) ? match["headerValue"] : undefined;
    const problem = stringMatchProblem(value, `${at}.match[${i}]`, routing?.["alb"] !== undefined);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function mirrorRouteProblem(
  { setMirrorRoute }: CanaryStep,
  path: string,
  routing: Routing,
): string | undefined {
  if (setMirrorRoute === undefined) return undefined;
  const at = `${path}.setMirrorRoute`;
  if (!hasRouter(routing, ["istio"]))
    return bad(at, declared(setMirrorRoute), "SetMirrorRoute requires TrafficRouting, supports Istio only");
  for (const [i, match] of (setMirrorRoute.match ?? []).entries()) {
    if (!isObject(match)) continue;
    for (const value of [match["method"], match["path"]]) {
      const problem = value === undefined ? undefined : stringMatchProblem(value, `${at}.match[${i}]`, false);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

/** A route as upstream shows it: its fields in the order of their declaration. */
const declared = ({
  name,
  match,
  ...rest
}: {
  readonly name?: string;
  readonly match?: unknown;
}): object => ({
  ...(name === undefined ? {} : { name }),
  ...(match === undefined ? {} : { match }),
  ...rest,
});

function stringMatchProblem(match: unknown, path: string, exactOnly: boolean): string | undefined {
  if (!isObject(match))
    return bad(
      path,
      null,
      "StringMatch value missed, match value must have one of the following: exact, regex, prefix",
    );
  const set = ["exact", "prefix", "regex"].filter((kind) => (match[kind] ?? "") !== "");
  if (exactOnly)
    return set.length === 1 && set[0] === "exact"
      ? undefined
      : bad(path, match, "SetHeaderRoute match value invalid. ALB supports 'exact' value only");
  if (set.length === 1) return undefined;
  return bad(
    path,
    match,
    set.length === 0
      ? "StringMatch value missed, match value must have one of the following: exact, regex, prefix"
      : "StringMatch match value must have exactly one of the following: exact, regex, prefix",
  );
}

/** Routes that steps make must be declared, so that they can be taken away again. */
function managedRouteProblem(step: CanaryStep, path: string, routing: Routing): string | undefined {
  for (const kind of ["setHeaderRoute", "setMirrorRoute"] as const) {
    const name = step[kind]?.name ?? "";
    if (step[kind] === undefined || routing === undefined) continue;
    const managed = routing["managedRoutes"];
    if (!Array.isArray(managed))
      return missing(
        "spec.strategy.trafficRouting.managedRoutes",
        "Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'",
      );
    if (!managed.some((route) => isObject(route) && route["name"] === name))
      return bad(
        `${path}.${kind}`,
        name,
        "Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes",
      );
  }
  return undefined;
}

function experimentProblem({ experiment }: CanaryStep, path: string, routing: Routing): string | undefined {
  for (const [i, template] of (experiment?.templates ?? []).entries()) {
    const weight = isObject(template) ? template["weight"] : undefined;
    if (weight === undefined || weight === null) continue;
    const at = `${path}.experiment.templates[${i}].weight`;
    if (routing === undefined)
      return bad(at, weight, "Experiment template weight cannot be set unless TrafficRouting is enabled");
    if (!hasRouter(routing, ["smi", "alb", "istio", "plugins"]))
      return bad(
        at,
        weight,
        "Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins at this time",
      );
  }
  return undefined;
}

/** Fields of its own metadata that an object can be asked for. */
const metadataField =
  /^metadata\.(?:name|namespace|uid|labels|annotations|(?:labels|annotations)\['[^']+'\])$/;

function argsProblem({ analysis, experiment }: CanaryStep, path: string): string | undefined {
  const args = [...(experiment?.analyses ?? []).flatMap((one) => one.args ?? []), ...(analysis?.args ?? [])];
  const isWrong = ({ valueFrom }: Argument): boolean => {
    const field = valueFrom?.fieldRef?.fieldPath ?? "";
    return field.startsWith("metadata") && !metadataField.test(field);
  };
  return args.some(isWrong)
    ? bad(
        `${path}.analyses`,
        args,
        "Analyses arguments must refer to valid object metadata supported by downwardAPI",
      )
    : undefined;
}

import type { IntOrString } from "@tracegate/kube";
import { bad } from "./field-problems.ts";
import type { CanaryStrategy } from "./types.ts";
import { stepProblem } from "./validate-steps.ts";

// Paths have no `canary` in them: upstream's do not.

/** The first thing wrong with a canary strategy. */
export function canaryProblem(canary: CanaryStrategy): string | undefined {
  const problem = surgeProblem(canary) ?? serviceNameProblem(canary) ?? routingProblem(canary);
  if (problem !== undefined) return problem;
  for (const [i, step] of (canary.steps ?? []).entries()) {
    const wrong = stepProblem(step, `spec.strategy.steps[${i}]`, canary);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** A number, or the number before a percent sign; what is no number counts as none. */
const amount = (value: IntOrString | undefined): number => {
  const number = typeof value === "number" ? value : Number.parseInt(value ?? "25", 10);
  return Number.isNaN(number) ? 0 : number;
};

function surgeProblem({ maxSurge, maxUnavailable }: CanaryStrategy): string | undefined {
  return amount(maxSurge) === 0 && amount(maxUnavailable) === 0
    ? bad("spec.strategy.maxSurge", maxSurge, "MaxSurge and MaxUnavailable both can not be zero")
    : undefined;
}

function serviceNameProblem(canary: CanaryStrategy): string | undefined {
  const { canaryService = "", stableService = "", pingPong, trafficRouting } = canary;
  if (canaryService !== "" && canaryService === stableService)
    return bad(
      "spec.strategy.stableService",
      stableService,
      "This rollout uses the same service for the stable and canary services, but two different services are required.",
    );
  if (pingPong !== undefined) {
    const problem = pingPongProblem(pingPong, trafficRouting);
    if (problem !== undefined) return problem;
  }
  if (!needsServices(canary)) return undefined;
  for (const [field, name] of [
    ["stableService", stableService],
    ["canaryService", canaryService],
  ] as const)
    if (name === "")
      return bad(
        `spec.strategy.${field}`,
        name,
        "Canary service and Stable service must to be set to use Traffic Routing",
      );
  return undefined;
}

function pingPongProblem(
  { pingService = "", pongService = "" }: NonNullable<CanaryStrategy["pingPong"]>,
  routing: CanaryStrategy["trafficRouting"],
): string | undefined {
  if (routing !== undefined && !["alb", "istio"].some((name) => routing[name] !== undefined))
    return bad(
      "spec.strategy.trafficRouting.alb",
      null,
      "Ping-pong feature works with the ALB and Istio traffic routers only",
    );
  for (const [field, name] of [
    ["pingService", pingService],
    ["pongService", pongService],
  ] as const)
    if (name === "")
      return bad(
        `spec.strategy.pingPong.${field}`,
        name,
        "Ping service and Pong service must to be set to use Ping-Pong feature",
      );
  if (pingService === pongService)
    return bad(
      "spec.strategy.pingPong.pingService",
      pingService,
      "This rollout uses the same service for the ping and pong services, but two different services are required.",
    );
  const alb = fieldsOf(routing?.["alb"]);
  return routing?.["alb"] !== undefined && (alb["rootService"] ?? "") === ""
    ? bad(
        "spec.strategy.trafficRouting.alb.rootService",
        "",
        "Root service field is required for the configuration with ALB and ping-pong feature enabled",
      )
    : undefined;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : {};

function needsServices({ trafficRouting = {}, pingPong }: CanaryStrategy): boolean {
  if (pingPong === undefined && trafficRouting["alb"] !== undefined) return true;
  const istio = trafficRouting["istio"];
  if (istio !== undefined && pingPong === undefined && fieldsOf(istio)["destinationRule"] === undefined)
    return true;
  return ["smi", "apisix", "ambassador", "nginx", "appMesh", "traefik"].some(
    (name) => trafficRouting[name] !== undefined,
  );
}

function routingProblem({
  trafficRouting,
  scaleDownDelaySeconds,
  dynamicStableScale,
}: CanaryStrategy): string | undefined {
  const delayed = scaleDownDelaySeconds !== undefined;
  const dynamic = dynamicStableScale === true;
  const refuse = (field: string, value: unknown, detail: string): string =>
    bad(`spec.strategy.${field}`, value, `Canary ${detail}`);
  if (trafficRouting === undefined) {
    if (delayed)
      return refuse(
        "scaleDownDelaySeconds",
        scaleDownDelaySeconds,
        "scaleDownDelaySeconds can only be used with traffic routing",
      );
    return dynamic
      ? refuse("dynamicStableScale", true, "dynamicStableScale can only be used with traffic routing")
      : undefined;
  }
  if (delayed && dynamic)
    return refuse("dynamicStableScale", true, "dynamicStableScale cannot be used with scaleDownDelaySeconds");
  const { maxTrafficWeight, nginx, plugins } = trafficRouting;
  return maxTrafficWeight !== undefined && nginx === undefined && plugins === undefined
    ? refuse(
        "trafficRouting.maxTrafficWeight",
        maxTrafficWeight,
        "maxTrafficWeight in traffic routing only supported in Nginx and Plugins",
      )
    : undefined;
}

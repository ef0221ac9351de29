import {
  compareQuantities,
  formatQuantity,
  isObject,
  type JsonObject,
  type KubeObject,
  parseQuantity,
} from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { asJson, asObject } from "./object-rules.ts";
import { storedObject } from "./reading.ts";
import { forbidden, qualified } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

type Amounts = Readonly<Record<string, string>>;

interface Limit {
  readonly type?: string;
  readonly min?: Amounts;
  readonly max?: Amounts;
  readonly default?: Amounts;
  readonly defaultRequest?: Amounts;
  readonly maxLimitRequestRatio?: Amounts;
}

/** What something asks for, and what it is held to. */
interface Demand {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

const ANNOTATION = "kubernetes.io/limit-ranger";

/** A new pod with the amounts that the LimitRanges of its namespace give to containers that say nothing. */
export function withDefaultAmounts(ctx: ApiContext, pod: KubeObject): KubeObject {
  const limits = limitsOf(ctx, pod).filter(({ type }) => type === "Container");
  if (limits.length === 0) return pod;
  const copy = structuredClone(asJson(pod));
  const notes: string[] = [];
  for (const [list, what] of [
    ["containers", "container"],
    ["initContainers", "init container"],
  ] as const) {
    for (const container of objectsAt(copy["spec"], list)) {
      for (const limit of limits) notes.push(...giveDefaults(container, limit, what));
    }
  }
  if (notes.length === 0) return pod;
  const metadata = isObject(copy["metadata"]) ? copy["metadata"] : {};
  const annotations = isObject(metadata["annotations"]) ? metadata["annotations"] : {};
  const note = { [ANNOTATION]: `LimitRanger plugin set: ${notes.join("; ")}` };
  return asObject({ ...copy, metadata: { ...metadata, annotations: { ...annotations, ...note } } });
}

function giveDefaults(container: JsonObject, limit: Limit, what: string): string[] {
  const resources = isObject(container["resources"]) ? container["resources"] : {};
  container["resources"] = resources;
  return [
    ["requests", limit.defaultRequest, "request"] as const,
    ["limits", limit.default, "limit"] as const,
  ].flatMap(([field, defaults = {}, word]) => {
    const own = isObject(resources[field]) ? resources[field] : {};
    const missing = Object.keys(defaults).filter((name) => own[name] === undefined);
    if (missing.length === 0) return [];
    resources[field] = { ...own, ...Object.fromEntries(missing.map((name) => [name, defaults[name]])) };
    return [`${missing.sort().join(", ")} ${word} for ${what} ${String(container["name"])}`];
  });
}

/** Refuses a new pod or claim that the LimitRanges of its namespace do not let in. */
export function checkLimits(ctx: ApiContext, served: ServedKind, object: KubeObject): void {
  const isPod = qualified(served) === "pods";
  const wrong = limitsOf(ctx, object).flatMap((limit) =>
    isPod ? podProblems(limit, asJson(object)) : claimProblems(limit, asJson(object)),
  );
  if (wrong.length === 0) return;
  const text = wrong.length === 1 ? wrong[0] : `[${wrong.join(", ")}]`;
  throw forbidden(served, object.metadata.name, text ?? "");
}

function limitsOf({ store }: ApiContext, { metadata }: KubeObject): Limit[] {
  return store.list(`limitranges/${metadata.namespace ?? ""}/`).flatMap(({ value }) => {
    const { spec } = storedObject(value) as KubeObject & { spec?: { limits?: Limit[] } };
    return spec?.limits ?? [];
  });
}

function podProblems(limit: Limit, pod: JsonObject): string[] {
  const containers = objectsAt(pod["spec"], "containers");
  const inits = objectsAt(pod["spec"], "initContainers");
  if (limit.type === "Container") {
    return [...containers, ...inits].flatMap((container) => problems(limit, demandOf(container)));
  }
  if (limit.type !== "Pod") return [];
  return problems(limit, {
    requests: total(containers, inits, "requests"),
    limits: total(containers, inits, "limits"),
  });
}

const demandOf = (container: JsonObject): Demand => ({
  requests: amountsOf(container, "requests"),
  limits: amountsOf(container, "limits"),
});

function amountsOf(container: JsonObject, field: string): Amounts {
  const resources = isObject(container["resources"]) ? container["resources"] : {};
  // Amounts are texts in the typed form.
  return (isObject(resources[field]) ? resources[field] : {}) as Amounts;
}

/** Containers run together, init containers one by one before them. */
function total(containers: readonly JsonObject[], inits: readonly JsonObject[], field: string): Amounts {
  const sums: Record<string, string> = {};
  for (const container of containers) {
    for (const [name, amount] of Object.entries(amountsOf(container, field)))
      sums[name] = sum(sums[name], amount);
  }
  for (const container of inits) {
    for (const [name, amount] of Object.entries(amountsOf(container, field))) {
      const others = sums[name];
      if (others === undefined || compareQuantities(amount, others) > 0) sums[name] = amount;
    }
  }
  return sums;
}

function sum(a: string | undefined, b: string): string {
  if (a === undefined) return b;
  const [left, right] = [parseQuantity(a), parseQuantity(b)];
  return formatQuantity({ ...left, nanos: left.nanos + right.nanos });
}

function problems(limit: Limit, { requests, limits }: Demand): string[] {
  const type = limit.type ?? "";
  const found: string[] = [];
  const [above, below] = [compare(1), compare(-1)];
  for (const [name, bound] of sorted(limit.min)) {
    const usage = `minimum ${name} usage per ${type} is ${bound}`;
    const [request, own] = [requests[name], limits[name]];
    if (request === undefined) found.push(`${usage}.  No request is specified`);
    else if (below(request, bound)) found.push(`${usage}, but request is ${request}`);
    else if (own !== undefined && below(own, bound)) found.push(`${usage}, but limit is ${own}`);
  }
  for (const [name, bound] of sorted(limit.max)) {
    const usage = `maximum ${name} usage per ${type} is ${bound}`;
    const [request, own] = [requests[name], limits[name]];
    if (own === undefined) found.push(`${usage}.  No limit is specified`);
    else if (above(own, bound)) found.push(`${usage}, but limit is ${own}`);
    else if (request !== undefined && above(request, bound))
      found.push(`${usage}, but request is ${request}`);
  }
  for (const [name, bound] of sorted(limit.maxLimitRequestRatio)) {
    const ratio = `${name} max limit to request ratio per ${type} is ${bound}`;
    const [request, own] = [requests[name], limits[name]];
    if (request === undefined || parseQuantity(request).nanos === 0n) {
      found.push(`${ratio}, but no request is specified or request is 0`);
    } else if (own === undefined || parseQuantity(own).nanos === 0n) {
      found.push(`${ratio}, but no limit is specified or limit is 0`);
    } else {
      const provided = Number(parseQuantity(own).nanos) / Number(parseQuantity(request).nanos);
      const most = Number(parseQuantity(bound).nanos) / 1e9;
      if (provided > most) found.push(`${ratio}, but provided ratio is ${provided.toFixed(6)}`);
    }
  }
  return found;
}

const compare = (sign: number) => (a: string, b: string) => Math.sign(compareQuantities(a, b)) === sign;

const sorted = (amounts: Amounts = {}): [string, string][] =>
  Object.entries(amounts).sort(([a], [b]) => (a < b ? -1 : 1));

function claimProblems(limit: Limit, claim: JsonObject): string[] {
  if (limit.type !== "PersistentVolumeClaim") return [];
  const { requests } = demandOf(isObject(claim["spec"]) ? claim["spec"] : {});
  const found: string[] = [];
  for (const [name, bound] of sorted(limit.min)) {
    const usage = `minimum ${name} usage per ${limit.type} is ${bound}`;
    const request = requests[name];
    if (request === undefined) found.push(`${usage}.  No request is specified`);
    else if (compareQuantities(request, bound) < 0) found.push(`${usage}, but request is ${request}`);
  }
  for (const [name, bound] of sorted(limit.max)) {
    const usage = `maximum ${name} usage per ${limit.type} is ${bound}`;
    const request = requests[name];
    if (request === undefined) found.push(`${usage}.  No request is specified`);
    else if (compareQuantities(request, bound) > 0) found.push(`${usage}, but request is ${request}`);
  }
  return found;
}

const objectsAt = (holder: unknown, field: string): JsonObject[] =>
  isObject(holder) && Array.isArray(holder[field]) ? holder[field].filter(isObject) : [];

import {
  formatTime,
  type KubeObject,
  type LabelSelector,
  matchesLabelSelector,
  StatusError,
} from "@tracegate/kube";
import type { ApiContext, ObjectRef, WriteRequest } from "./context.ts";
import { deleteObject } from "./deleting.ts";
import type { DeleteRequest } from "./deletion.ts";
import { keyFor, storedObject } from "./reading.ts";
import { conflict } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";
import { changeObject } from "./updating.ts";

/** What refusals of a binding name. */
const BINDINGS = { group: "", plural: "pods/binding" };

interface PodParts {
  spec?: { nodeName?: string };
  status?: { conditions?: { type: string; status: string; lastTransitionTime?: string }[] };
}

/** Puts a pod on a node: what schedulers POST to `bindings` or `pods/NAME/binding`. */
export function bindPod(
  ctx: ApiContext,
  pods: ServedKind,
  ref: ObjectRef,
  binding: KubeObject,
  request: WriteRequest,
): void {
  const { target } = binding as KubeObject & { target?: { kind?: string; name?: string } };
  const nodeName = target?.name ?? "";
  if (nodeName === "") throw new StatusError({ message: "target.name: Required value", code: 500 });
  const bind = (pod: KubeObject): KubeObject => {
    const { spec } = pod as PodParts;
    if (pod.metadata.deletionTimestamp !== undefined) {
      throw conflict(BINDINGS, ref.name, `pod ${ref.name} is being deleted, cannot be assigned to a host`);
    }
    if (spec?.nodeName) {
      throw conflict(BINDINGS, ref.name, `pod ${ref.name} is already assigned to node "${spec.nodeName}"`);
    }
    return { ...pod, spec: { ...spec, nodeName } } as KubeObject;
  };
  // Bindings leave no word of who owns what.
  const own = (next: KubeObject, { metadata: { managedFields } }: KubeObject): KubeObject => ({
    ...next,
    metadata: { ...next.metadata, ...(managedFields === undefined ? {} : { managedFields }) },
  });
  changeObject(ctx, pods, ref, "binding", bind, own, request);
  if (request.dryRun === true) return;
  const scheduled = (pod: KubeObject): KubeObject => {
    const { status } = pod as PodParts;
    const others = (status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
    const condition = {
      type: "PodScheduled",
      status: "True",
      lastTransitionTime: formatTime(ctx.clock.now()),
    };
    return { ...pod, status: { ...status, conditions: [...others, condition] } } as KubeObject;
  };
  changeObject(ctx, pods, ref, "status", scheduled, own, request);
}

interface Budget extends KubeObject {
  readonly spec?: { readonly selector?: LabelSelector };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly disruptionsAllowed?: number;
    readonly desiredHealthy?: number;
    readonly currentHealthy?: number;
  };
}

/** Deletes a pod unless a disruption budget says that one less is too few. */
export function evictPod(ctx: ApiContext, pods: ServedKind, ref: ObjectRef, request: DeleteRequest): void {
  const entry = ctx.store.get(keyFor(pods, ref.namespace, ref.name));
  const pod = entry === undefined ? undefined : storedObject(entry.value);
  if (pod !== undefined && isGuarded(pod)) checkBudgets(ctx, pod);
  deleteObject(ctx, pods, ref, request);
}

/** Pods that do not run yet, have ended or go anyway disturb nobody by going. */
function isGuarded(pod: KubeObject): boolean {
  const { phase = "" } = (pod as { status?: { phase?: string } }).status ?? {};
  return pod.metadata.deletionTimestamp === undefined && !["Pending", "Succeeded", "Failed"].includes(phase);
}

function checkBudgets(ctx: ApiContext, pod: KubeObject): void {
  const budgets = ctx.store
    .list(`poddisruptionbudgets.policy/${pod.metadata.namespace ?? ""}/`)
    // What is stored there is of this kind.
    .map(({ value }) => storedObject(value) as Budget)
    .filter(({ spec }) => matchesLabelSelector(spec?.selector, pod.metadata.labels));
  const [budget] = budgets;
  if (budget === undefined) return;
  if (budgets.length > 1) {
    const message =
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw new StatusError({ message, reason: "InternalError", code: 500 });
  }
  const { name, generation = 0 } = budget.metadata;
  const { observedGeneration = 0, disruptionsAllowed = 0, ...health } = budget.status ?? {};
  if (observedGeneration < generation) {
    throw tooDisruptive(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  if (disruptionsAllowed > 0) return;
  const { desiredHealthy = 0, currentHealthy = 0 } = health;
  throw tooDisruptive(
    `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
  );
}

function tooDisruptive(message: string, retryAfterSeconds?: number): StatusError {
  return new StatusError({
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    reason: "TooManyRequests",
    details: {
      causes: [{ reason: "DisruptionBudget", message }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
    code: 429,
  });
}

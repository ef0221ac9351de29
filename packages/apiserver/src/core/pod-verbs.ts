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
import { storedObject } from "./reading.ts";
import { badRequest, conflict } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";
import { updateObject } from "./updating.ts";

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
  if (nodeName === "") throw badRequest("target.name: Required value");
  const bind = (pod: KubeObject): KubeObject => {
    const { spec } = pod as PodParts;
    if (pod.metadata.deletionTimestamp !== undefined) {
      throw conflict(pods, ref.name, `pod ${ref.name} is being deleted, cannot be assigned to a host`);
    }
    if (spec?.nodeName) {
      throw conflict(pods, ref.name, `pod ${ref.name} is already assigned to node "${spec.nodeName}"`);
    }
    return { ...pod, spec: { ...spec, nodeName } } as KubeObject;
  };
  updateObject(ctx, pods, ref, "binding", bind, request);
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
  updateObject(ctx, pods, ref, "status", scheduled, request);
}

/** Deletes a pod unless a disruption budget says that one less is too few. */
export function evictPod(ctx: ApiContext, pods: ServedKind, ref: ObjectRef, request: DeleteRequest): void {
  const pod = ctx.store.get(`pods/${ref.namespace ?? ""}/${ref.name}`);
  const labels = pod === undefined ? {} : storedObject(pod.value).metadata.labels;
  for (const { value } of ctx.store.list(`poddisruptionbudgets.policy/${ref.namespace ?? ""}/`)) {
    const budget = storedObject(value) as KubeObject & {
      spec?: { selector?: LabelSelector };
      status?: { disruptionsAllowed?: number };
    };
    if (!matchesLabelSelector(budget.spec?.selector, labels)) continue;
    if ((budget.status?.disruptionsAllowed ?? 0) > 0) continue;
    throw new StatusError({
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      reason: "TooManyRequests",
      details: {
        causes: [
          {
            reason: "DisruptionBudget",
            message: `The disruption budget ${budget.metadata.name} does not allow another disruption now`,
          },
        ],
      },
      code: 429,
    });
  }
  deleteObject(ctx, pods, ref, request);
}

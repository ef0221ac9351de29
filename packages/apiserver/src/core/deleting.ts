import type { KubeObject } from "@tracegate/kube";
import { afterWrite, atRevision, commitRemoval, toStorage } from "./committing.ts";
import type { ApiContext, ObjectRef } from "./context.ts";
import { asVersion } from "./conversion.ts";
import { checkDeleteRequest, checkPreconditions, type DeleteRequest, planDeletion } from "./deletion.ts";
import { admitNamespaceDeletion, isNamespaces } from "./namespace-admission.ts";
import { keyFor, storedObject } from "./reading.ts";
import { notFound } from "./refusals.ts";
import { apiVersionOfResource, type ServedKind } from "./served-kinds.ts";
import { isServices } from "./service-form.ts";

export function deleteObject(
  ctx: ApiContext,
  served: ServedKind,
  ref: ObjectRef,
  request: DeleteRequest,
): { readonly object: KubeObject; readonly removed: boolean } {
  checkDeleteRequest(request);
  const entry = ctx.store.get(keyFor(served, ref.namespace, ref.name));
  if (entry === undefined) throw notFound(served, ref.name);
  const current = asVersion(storedObject(entry.value), apiVersionOfResource(served));
  checkPreconditions(served, current, request);
  if (isNamespaces(served)) admitNamespaceDeletion(ref.name);
  const plan = planDeletion(served, current, request, ctx.clock.now());
  if (request.dryRun === true || plan.action === "nothing") {
    return { object: plan.object, removed: plan.action === "remove" };
  }
  if (plan.action === "remove") {
    const object = commitRemoval(ctx, served, entry, plan.object);
    if (isServices(served)) removeEndpoints(ctx, ref);
    return { object, removed: true };
  }
  const make = (revision: number) => atRevision(toStorage(served, plan.object), revision);
  return {
    object: afterWrite(ctx, served, ctx.store.update(entry.key, entry.revision, make)),
    removed: false,
  };
}

/** A Service takes the Endpoints of its name with it. */
function removeEndpoints(ctx: ApiContext, ref: ObjectRef): void {
  const endpoints = ctx.kinds.find("", "v1", "endpoints");
  if (endpoints === undefined) return;
  if (ctx.store.get(keyFor(endpoints, ref.namespace, ref.name)) !== undefined)
    deleteObject(ctx, endpoints, ref, {});
}

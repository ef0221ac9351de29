import type { KubeObject } from "@tracegate/kube";
import type { Entry } from "@tracegate/store";
import type { ApiContext } from "./context.ts";
import { asVersion } from "./conversion.ts";
import { isDone } from "./deletion.ts";
import { storedObject } from "./reading.ts";
import { apiVersionOfResource, type ServedKind } from "./served-kinds.ts";

/** What a write answers, once those who follow the kind have been told. */
export function afterWrite(ctx: ApiContext, served: ServedKind, entry: Entry): KubeObject {
  const object = storedObject(entry.value);
  ctx.stored(served, object.metadata.name, object);
  return asVersion(object, apiVersionOfResource(served));
}

/** Writes the changed object; one that was only waiting to be deleted goes with it. */
export function commitChange(
  ctx: ApiContext,
  served: ServedKind,
  entry: Entry,
  next: KubeObject,
): KubeObject {
  const make = (revision: number) => atRevision(toStorage(served, next), revision);
  if (!isDone(next)) return afterWrite(ctx, served, ctx.store.update(entry.key, entry.revision, make));
  return commitRemoval(ctx, served, entry, next);
}

/** Takes the object away; watchers see its last state at the revision of the removal. */
export function commitRemoval(
  ctx: ApiContext,
  served: ServedKind,
  entry: Entry,
  last: KubeObject,
): KubeObject {
  const gone = ctx.store.delete(entry.key, entry.revision, (revision) =>
    atRevision(toStorage(served, last), revision),
  );
  ctx.stored(served, last.metadata.name, undefined);
  return asVersion(storedObject(gone.value), apiVersionOfResource(served));
}

/** The object as it is stored by the write of that revision. */
export function atRevision(object: KubeObject, revision: number) {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** The object in the version that is stored. */
export const toStorage = (served: ServedKind, object: KubeObject): KubeObject =>
  asVersion(object, served.storageApiVersion);

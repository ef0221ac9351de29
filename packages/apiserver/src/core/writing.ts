import { forbidden as forbiddenField, jsonEqual, type KubeObject } from "@tracegate/kube";
import type { Entry } from "@tracegate/store";
import type { ApiContext, ObjectRef, WriteRequest } from "./context.ts";
import {
  checkDeleteRequest,
  checkPreconditions,
  type DeleteRequest,
  isDone,
  planDeletion,
} from "./deletion.ts";
import { admitNamespaceDeletion, admitToNamespace, isNamespaces } from "./namespace-admission.ts";
import { changedMetadata, isNewGeneration, newMetadata } from "./object-metadata.ts";
import { creationErrors, normalise, updateErrors, withDefaults } from "./object-rules.ts";
import { keyFor, storedObject } from "./reading.ts";
import { alreadyExists, badRequest, conflict, invalid, MODIFIED, notFound, qualified } from "./refusals.ts";
import { apiVersionOfResource, asVersion, hasSubresource, type ServedKind } from "./served-kinds.ts";
import { allocateServiceAddresses } from "./service-addresses.ts";

/** Tries at a free generated name before giving up with AlreadyExists. */
const NAME_ATTEMPTS = 8;

export function createObject(
  ctx: ApiContext,
  served: ServedKind,
  namespace: string | undefined,
  sent: KubeObject,
  request: WriteRequest = {},
): KubeObject {
  checkAddressed(served, namespace, sent);
  const received = normalise(served, sent);
  for (let attempt = 1; ; attempt++) {
    const metadata = newMetadata(ctx, served, received.metadata, served.namespaced ? namespace : undefined);
    if (served.namespaced) admitToNamespace(ctx, served, namespace ?? "", metadata.name);
    const object = prepareNew(ctx, served, { ...received, metadata });
    const errors = creationErrors(served, object);
    if (errors.length > 0) throw invalid(served, metadata.name, errors);
    const key = keyFor(served, namespace, metadata.name);
    if (ctx.store.get(key) !== undefined) {
      const generated = (sent.metadata.name ?? "") === "";
      if (generated && attempt < NAME_ATTEMPTS) continue;
      throw alreadyExists(served, metadata.name);
    }
    if (request.dryRun === true) return object;
    const entry = ctx.store.create(key, (revision) => atRevision(toStorage(served, object), revision));
    return afterWrite(ctx, served, entry);
  }
}

/** Everything the server does to a new object before it is checked. */
function prepareNew(ctx: ApiContext, served: ServedKind, received: KubeObject): KubeObject {
  let object = withDefaults(served, withInitialState(served, received));
  if (qualified(served) === "services") object = allocateServiceAddresses(ctx, object);
  return object;
}

/** What a new object begins with (upstream's `PrepareForCreate`): status is not a client's to give where it is a subresource. */
function withInitialState(served: ServedKind, object: KubeObject): KubeObject {
  if (!hasSubresource(served, "status")) return object;
  const { status: _, ...rest } = object as KubeObject & { status?: unknown };
  switch (qualified(served)) {
    case "namespaces":
      return namespaceAtBirth(rest);
    case "pods":
      return { ...rest, status: { phase: "Pending" } } as KubeObject;
    case "nodes":
    case "persistentvolumes":
      return object; // kubelets register with their status
    default:
      return rest;
  }
}

function namespaceAtBirth(namespace: KubeObject): KubeObject {
  const { metadata } = namespace;
  const { spec } = namespace as { spec?: { finalizers?: string[] } };
  const finalizers = [...new Set([...(spec?.finalizers ?? []), "kubernetes"])];
  const labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
  return {
    ...namespace,
    metadata: { ...metadata, labels },
    spec: { finalizers },
    status: { phase: "Active" },
  } as KubeObject;
}

/** The current object as a function of which the next one is made: a PUT's body, or a patch applied. */
export type Change = (current: KubeObject) => KubeObject;

export function updateObject(
  ctx: ApiContext,
  served: ServedKind,
  ref: ObjectRef,
  subresource: string,
  change: Change,
  request: WriteRequest = {},
): KubeObject {
  const key = keyFor(served, ref.namespace, ref.name);
  const entry = ctx.store.get(key);
  if (entry === undefined) throw notFound(served, ref.name);
  const current = asVersion(storedObject(entry.value), apiVersionOfResource(served));
  const sent = change(current);
  checkAddressed(served, ref.namespace, sent);
  checkIdentity(served, ref, current, sent);
  const next = prepareChanged(ctx, served, subresource, current, normalise(served, sent));
  const errors = [...newFinalizerErrors(current, next), ...updateErrors(served, next, current)];
  if (errors.length > 0) throw invalid(served, ref.name, errors);
  if (isNewGeneration(served, current, next)) {
    next.metadata = { ...next.metadata, generation: (current.metadata.generation ?? 0) + 1 };
  }
  if (isSame(current, next)) return current;
  if (request.dryRun === true) return next;
  return store(ctx, served, entry, next);
}

/** Writes the changed object; one that was only waiting to be deleted goes with it. */
function store(ctx: ApiContext, served: ServedKind, entry: Entry, next: KubeObject): KubeObject {
  const make = (revision: number) => atRevision(toStorage(served, next), revision);
  if (!isDone(next)) return afterWrite(ctx, served, ctx.store.update(entry.key, entry.revision, make));
  return remove(ctx, served, entry, next);
}

function remove(ctx: ApiContext, served: ServedKind, entry: Entry, last: KubeObject): KubeObject {
  const gone = ctx.store.delete(entry.key, entry.revision, (revision) =>
    atRevision(toStorage(served, last), revision),
  );
  ctx.stored(served, last.metadata.name, undefined);
  return asVersion(storedObject(gone.value), apiVersionOfResource(served));
}

function prepareChanged(
  ctx: ApiContext,
  served: ServedKind,
  subresource: string,
  current: KubeObject,
  received: KubeObject,
): KubeObject {
  const metadata = changedMetadata(received.metadata, current.metadata);
  const split = hasSubresource(served, "status");
  const { status: oldStatus } = current as { status?: unknown };
  const { status: newStatus } = received as { status?: unknown };
  switch (subresource) {
    case "":
    case "scale":
    case "ephemeralcontainers": {
      const kept = split ? { status: oldStatus } : {};
      let next = withDefaults(served, withoutUndefined({ ...received, metadata, ...kept }));
      if (qualified(served) === "services") next = allocateServiceAddresses(ctx, next, current);
      return next;
    }
    case "status": {
      const owned =
        served.custom === undefined ? metadataWithStatus(served, metadata, current) : current.metadata;
      return withDefaults(served, withoutUndefined({ ...current, metadata: owned, status: newStatus }));
    }
    case "finalize": {
      const { finalizers } = (received as { spec?: { finalizers?: string[] } }).spec ?? {};
      return withoutUndefined({ ...current, metadata, spec: { finalizers: finalizers ?? [] } });
    }
    default:
      throw badRequest(`subresource ${subresource} cannot be updated`);
  }
}

/** Built-in kinds let a status write change metadata too, but not owners, and Deployments not their labels. */
function metadataWithStatus(served: ServedKind, metadata: KubeObject["metadata"], current: KubeObject) {
  const { ownerReferences, labels } = current.metadata;
  const { ownerReferences: _, ...rest } = metadata;
  const owned = ownerReferences === undefined ? rest : { ...rest, ownerReferences };
  if (qualified(served) !== "deployments.apps") return owned;
  const { labels: __, ...unlabelled } = owned;
  return labels === undefined ? unlabelled : { ...unlabelled, labels };
}

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
  if (plan.action === "remove") return { object: remove(ctx, served, entry, plan.object), removed: true };
  const make = (revision: number) => atRevision(toStorage(served, plan.object), revision);
  return {
    object: afterWrite(ctx, served, ctx.store.update(entry.key, entry.revision, make)),
    removed: false,
  };
}

function afterWrite(ctx: ApiContext, served: ServedKind, entry: Entry): KubeObject {
  const object = storedObject(entry.value);
  ctx.stored(served, object.metadata.name, object);
  return asVersion(object, apiVersionOfResource(served));
}

function atRevision(object: KubeObject, revision: number) {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

const toStorage = (served: ServedKind, object: KubeObject): KubeObject =>
  asVersion(object, served.storageApiVersion);

/** The body must be for the place it was sent to. */
function checkAddressed(served: ServedKind, namespace: string | undefined, sent: KubeObject): void {
  const own = sent.metadata.namespace ?? "";
  if (served.namespaced ? own !== "" && own !== namespace : own !== "") {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
}

function checkIdentity(served: ServedKind, ref: ObjectRef, current: KubeObject, sent: KubeObject): void {
  const { name, uid, resourceVersion } = sent.metadata;
  if (name !== ref.name) {
    const shown = `the name of the object (${name}) does not match the name on the URL (${ref.name})`;
    throw badRequest(shown);
  }
  if (uid !== undefined && uid !== "" && uid !== current.metadata.uid) {
    const key = [qualified(served), ref.namespace, ref.name].filter((part) => part !== undefined).join("/");
    const why =
      `StorageError: invalid object, Code: 4, Key: /registry/${key}, ResourceVersion: 0, AdditionalErrorMsg: ` +
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`;
    throw conflict(served, ref.name, why);
  }
  const expected = resourceVersion ?? "";
  if (expected !== "" && expected !== "0" && expected !== current.metadata.resourceVersion) {
    throw conflict(served, ref.name, MODIFIED);
  }
}

function newFinalizerErrors(current: KubeObject, next: KubeObject) {
  if (current.metadata.deletionTimestamp === undefined) return [];
  const known = new Set(current.metadata.finalizers ?? []);
  const added = (next.metadata.finalizers ?? []).filter((name) => !known.has(name));
  if (added.length === 0) return [];
  const list = added.map((name) => JSON.stringify(name)).join(", ");
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [forbiddenField("metadata.finalizers", detail)];
}

/** Whether a write would change nothing: it keeps the resourceVersion then and nobody is told. */
function isSame(current: KubeObject, next: KubeObject): boolean {
  const bare = ({ metadata, ...content }: KubeObject) => {
    const { managedFields: _, ...rest } = metadata;
    return { ...content, metadata: rest };
  };
  return jsonEqual(bare(current), bare(next));
}

function withoutUndefined<T extends object>(object: T): T {
  // Only keys whose value is undefined are dropped, so the type stands.
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

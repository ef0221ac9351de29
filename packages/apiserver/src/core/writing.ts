import {
  DecodeError,
  fieldComplaints,
  forbidden as forbiddenField,
  invalid as invalidField,
  jsonEqual,
  type KubeObject,
  required,
  strictDecodingError,
} from "@tracegate/kube";
import type { Entry } from "@tracegate/store";
import type { ApiContext, ObjectRef, WriteRequest } from "./context.ts";
import { asVersion } from "./conversion.ts";
import { definitionAtBirth, isDefinitions } from "./definition-birth.ts";
import {
  checkDeleteRequest,
  checkPreconditions,
  type DeleteRequest,
  isDone,
  planDeletion,
} from "./deletion.ts";
import { applied, withOwners } from "./field-ownership.ts";
import { admitNamespaceDeletion, admitToNamespace, isNamespaces } from "./namespace-admission.ts";
import { changedMetadata, isNewGeneration, newMetadata } from "./object-metadata.ts";
import { atBirth, normalise, objectErrors, withDefaults } from "./object-rules.ts";
import { admitPod } from "./pod-admission.ts";
import { keyFor, storedObject } from "./reading.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  invalid,
  invalidOptions,
  MODIFIED,
  notFound,
  qualified,
} from "./refusals.ts";
import { apiVersionOfResource, hasSubresource, type ServedKind } from "./served-kinds.ts";
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
  const received = receive(served, sent, request);
  return createReceived(
    ctx,
    served,
    namespace,
    received,
    (object) => {
      return withOwners(ctx, served, undefined, object, "", request);
    },
    request,
  );
}

/** `own` says who owns the fields of the object that is about to be stored. */
function createReceived(
  ctx: ApiContext,
  served: ServedKind,
  namespace: string | undefined,
  received: KubeObject,
  own: (object: KubeObject) => KubeObject,
  request: WriteRequest,
): KubeObject {
  for (let attempt = 1; ; attempt++) {
    const metadata = newMetadata(ctx, served, received.metadata, served.namespaced ? namespace : undefined);
    if (served.namespaced) admitToNamespace(ctx, served, namespace ?? "", metadata.name);
    const object = prepareNew(ctx, served, { ...received, metadata }, own);
    const errors = objectErrors(served, object);
    if (errors.length > 0) throw invalid(served, metadata.name, errors);
    const key = keyFor(served, namespace, metadata.name);
    if (ctx.store.get(key) !== undefined) {
      const generated = (received.metadata.name ?? "") === "";
      if (generated && attempt < NAME_ATTEMPTS) continue;
      throw alreadyExists(served, metadata.name);
    }
    request.admit?.(object);
    if (request.dryRun === true) return object;
    const entry = ctx.store.create(key, (revision) => atRevision(toStorage(served, object), revision));
    return afterWrite(ctx, served, entry);
  }
}

/** The sent object in its kind's form. Fields that the kind does not know are refused, reported or dropped. */
function receive(served: ServedKind, sent: KubeObject, request: WriteRequest): KubeObject {
  const { object, unknown } = inForm(served, sent, request);
  const complaints = fieldComplaints(unknown, []);
  if (complaints.length > 0 && request.fieldValidation === "Strict")
    throw strictDecodingError(served, complaints);
  if (request.fieldValidation !== "Ignore") for (const complaint of complaints) request.warn?.(complaint);
  return object;
}

function inForm(served: ServedKind, sent: KubeObject, request: WriteRequest) {
  try {
    return normalise(served, sent);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    if (request.patched === true) {
      const value = invalidField("patch", JSON.stringify(sent), error.message);
      throw invalid({ group: "", kind: "" }, "", [value]);
    }
    const what = `${served.kind} in version "${served.version}" cannot be handled as a ${served.kind}`;
    throw badRequest(`${what}: ${error.message}`);
  }
}

/** Everything the server does to a new object before it is checked. What it adds itself is owned by nobody. */
function prepareNew(
  ctx: ApiContext,
  served: ServedKind,
  received: KubeObject,
  own: (object: KubeObject) => KubeObject,
): KubeObject {
  const defaulted = withDefaults(served, withoutStatus(served, received));
  // The template generation of a DaemonSet comes with its form, so it counts as the writer's.
  const early = qualified(served) === "daemonsets.apps";
  let object = early ? own(atBirth(served, defaulted)) : atBirth(served, own(defaulted));
  if (qualified(served) === "services") object = allocateServiceAddresses(ctx, object);
  if (qualified(served) === "pods") object = admitPod(ctx, served, object);
  if (isDefinitions(served)) object = definitionAtBirth(object);
  return object;
}

/** Status is not a client's to give on create, where it is a subresource. */
function withoutStatus(served: ServedKind, object: KubeObject): KubeObject {
  // Kubelets register nodes with their status.
  if (!hasSubresource(served, "status") || qualified(served) === "nodes") return object;
  const { status: _, ...rest } = object as KubeObject & { status?: unknown };
  return rest;
}

/** Server-side apply: makes the object where there is none. */
export function applyObject(
  ctx: ApiContext,
  served: ServedKind,
  ref: ObjectRef,
  subresource: string,
  configuration: KubeObject,
  request: WriteRequest & { force?: boolean },
): { readonly object: KubeObject; readonly created: boolean } {
  if ((request.fieldManager ?? "") === "") {
    throw invalidOptions("PatchOptions", required("fieldManager", "is required for apply patch"));
  }
  const entry = ctx.store.get(keyFor(served, ref.namespace, ref.name));
  if (entry !== undefined) {
    const change = (current: KubeObject) =>
      applied(ctx, served, current, configuration, subresource, request);
    return {
      object: changeObject(ctx, served, ref, subresource, change, (next) => next, request),
      created: false,
    };
  }
  if (subresource !== "") throw notFound(served, ref.name);
  checkAddressed(served, ref.namespace, configuration);
  if ((configuration.metadata.uid ?? "") !== "")
    throw conflict(served, ref.name, uidOfNothing(configuration));
  const merged = applied(ctx, served, undefined, configuration, "", request);
  const { managedFields } = merged.metadata;
  const received = receive(served, { ...merged, metadata: { ...merged.metadata, name: ref.name } }, request);
  const own = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, ...(managedFields === undefined ? {} : { managedFields }) },
  });
  return { object: createReceived(ctx, served, ref.namespace, received, own, request), created: true };
}

const uidOfNothing = ({ metadata }: KubeObject): string =>
  `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`;

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
  const own = (next: KubeObject, current: KubeObject) => {
    return withOwners(ctx, served, current, next, subresource, request);
  };
  return changeObject(ctx, served, ref, subresource, change, own, request);
}

function changeObject(
  ctx: ApiContext,
  served: ServedKind,
  ref: ObjectRef,
  subresource: string,
  change: Change,
  own: (next: KubeObject, current: KubeObject) => KubeObject,
  request: WriteRequest,
): KubeObject {
  const entry = ctx.store.get(keyFor(served, ref.namespace, ref.name));
  if (entry === undefined) throw notFound(served, ref.name);
  const current = asVersion(storedObject(entry.value), apiVersionOfResource(served));
  const sent = change(current);
  checkAddressed(served, ref.namespace, sent);
  checkIdentity(served, ref, current, sent);
  const received = receive(served, sent, request);
  const next = prepareChanged(ctx, served, subresource, current, received, own);
  const errors = [
    ...newFinalizerErrors(current, next),
    ...objectErrors(served, next, { before: current, subresource }),
  ];
  if (errors.length > 0) throw invalid(served, ref.name, errors);
  if (isNewGeneration(served, current, next)) {
    next.metadata = { ...next.metadata, generation: (current.metadata.generation ?? 0) + 1 };
  }
  if (isSame(current, next)) return current;
  request.admit?.(next);
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
  own: (next: KubeObject, current: KubeObject) => KubeObject,
): KubeObject {
  const metadata = changedMetadata(received.metadata, current.metadata);
  const split = hasSubresource(served, "status");
  const { status: oldStatus } = current as { status?: unknown };
  const { status: newStatus } = received as { status?: unknown };
  switch (subresource) {
    case "":
    case "scale":
    case "binding":
    case "resize":
    case "ephemeralcontainers": {
      const kept = split ? { status: oldStatus } : {};
      const next = own(withDefaults(served, withoutUndefined({ ...received, metadata, ...kept })), current);
      return qualified(served) === "services" ? allocateServiceAddresses(ctx, next, current) : next;
    }
    case "status": {
      const owned =
        served.custom === undefined ? metadataWithStatus(served, metadata, current) : current.metadata;
      return own(
        withDefaults(served, withoutUndefined({ ...current, metadata: owned, status: newStatus })),
        current,
      );
    }
    case "finalize": {
      const { finalizers } = (received as { spec?: { finalizers?: string[] } }).spec ?? {};
      return own(withoutUndefined({ ...current, metadata, spec: { finalizers: finalizers ?? [] } }), current);
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
  const bare = ({ metadata, ...content }: KubeObject) => ({
    ...content,
    // When an owner last wrote is no change by itself.
    metadata: { ...metadata, managedFields: metadata.managedFields?.map(({ time: _, ...entry }) => entry) },
  });
  return jsonEqual(bare(current), bare(next));
}

function withoutUndefined<T extends object>(object: T): T {
  // Only keys whose value is undefined are dropped, so the type stands.
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

import type { KubeObject } from "@tracegate/kube";
import { afterWrite, atRevision, toStorage } from "./committing.ts";
import type { ApiContext, WriteRequest } from "./context.ts";
import { withDefaultClass } from "./default-classes.ts";
import { definitionAtBirth, isDefinitions } from "./definition-birth.ts";
import { withOwners } from "./field-ownership.ts";
import { checkLimits, withDefaultAmounts } from "./limit-ranges.ts";
import { generateUid } from "./names.ts";
import { admitToNamespace } from "./namespace-admission.ts";
import { newMetadata } from "./object-metadata.ts";
import {
  atBirth,
  objectErrors,
  objectWarnings,
  withDefaults,
  withTemplateGeneration,
} from "./object-rules.ts";
import { admitPod, checkOverhead } from "./pod-admission.ts";
import { keyFor, storedObject } from "./reading.ts";
import { checkAddressed, receive } from "./receiving.ts";
import { alreadyExists, invalid, qualified } from "./refusals.ts";
import { hasSubresource, type ServedKind } from "./served-kinds.ts";
import { allocateServiceAddresses } from "./service-addresses.ts";
import { isServices, withKeptAddresses } from "./service-form.ts";

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
export function createReceived(
  ctx: ApiContext,
  served: ServedKind,
  namespace: string | undefined,
  received: KubeObject,
  own: (object: KubeObject) => KubeObject,
  request: WriteRequest,
): KubeObject {
  if (ctx.idleKinds.has(qualified(served))) {
    request.warn?.(
      `no controller here works on ${served.plural}: the object is kept, and nothing comes of it`,
    );
  }
  for (let attempt = 1; ; attempt++) {
    const metadata = newMetadata(
      ctx,
      served,
      named(ctx, served, received.metadata),
      served.namespaced ? namespace : undefined,
    );
    if (served.namespaced) admitToNamespace(ctx, served, namespace ?? "", metadata.name);
    const prepared = prepareNew(ctx, served, { ...received, metadata }, own);
    // Upstream gives Services their addresses before it looks whether they are valid.
    const object = isServices(served)
      ? allocateServiceAddresses(ctx, prepared, { dryRun: request.dryRun === true })
      : prepared;
    const errors = objectErrors(ctx, served, object);
    // What calls itself by another kind is refused by that name.
    if (errors.length > 0)
      throw invalid({ group: served.group, kind: prepared.kind ?? served.kind }, metadata.name, errors);
    const key = keyFor(served, namespace, metadata.name);
    if (isPods(served)) checkOverhead(served, object);
    if (LIMITED.has(qualified(served))) checkLimits(ctx, served, object);
    const complete = asRead(served, object);
    const existing = ctx.store.get(key);
    const generated = (received.metadata.name ?? "") === "";
    if (existing !== undefined && generated && attempt < NAME_ATTEMPTS) continue;
    for (const warning of objectWarnings(served, complete)) request.warn?.(warning);
    if (existing !== undefined) {
      const leaving = storedObject(existing.value).metadata.deletionTimestamp !== undefined;
      throw alreadyExists(served, metadata.name, leaving);
    }
    request.admit?.(complete);
    if (request.dryRun === true) return complete;
    const entry = ctx.store.create(key, (revision) => atRevision(toStorage(served, complete), revision));
    return afterWrite(ctx, served, entry);
  }
}

/** Objects get their defaults once more when they are read, which shows in Jobs: they take labels made for their template. */
const asRead = (served: ServedKind, object: KubeObject): KubeObject =>
  qualified(served) === "jobs.batch" ? withDefaults(served, object) : object;

/** Everything the server does to a new object before it is checked. What it adds itself is owned by nobody. */
function prepareNew(
  ctx: ApiContext,
  served: ServedKind,
  received: KubeObject,
  own: (object: KubeObject) => KubeObject,
): KubeObject {
  const defaulted = withDefaults(served, withoutStatus(served, received));
  const formed = qualified(served) === "daemonsets.apps" ? withTemplateGeneration(defaulted) : defaulted;
  const owned = own(formed);
  const admitted = isPods(served)
    ? admitPod(ctx, served, withDefaultAmounts(ctx, owned))
    : withDefaultClass(ctx, served, owned);
  let object = atBirth(served, admitted, received);
  if (isServices(served)) object = withKeptAddresses(object);
  if (isDefinitions(served)) object = definitionAtBirth(object);
  return object;
}

const isPods = (served: ServedKind): boolean => qualified(served) === "pods";

/** What LimitRanges are about. */
const LIMITED: ReadonlySet<string> = new Set(["pods", "persistentvolumeclaims"]);

/** Status is not a client's to give on create, where it is a subresource. */
function withoutStatus(served: ServedKind, object: KubeObject): KubeObject {
  // Kubelets register nodes with their status.
  if (!hasSubresource(served, "status") || qualified(served) === "nodes") return object;
  const { status: _, ...rest } = object as KubeObject & { status?: unknown };
  return rest;
}

/** A LimitRange without a name is called by an identity made up for it. */
function named({ random }: ApiContext, served: ServedKind, sent: KubeObject["metadata"]) {
  const nameless = (sent.name ?? "") === "" && (sent.generateName ?? "") === "";
  return nameless && qualified(served) === "limitranges" ? { ...sent, name: generateUid(random) } : sent;
}

import {
  DecodeError,
  fieldComplaints,
  invalid as invalidField,
  type KubeObject,
  otherKindText,
  strictDecodingError,
} from "@tracegate/kube";
import type { ObjectRef, WriteRequest } from "./context.ts";
import { normalise } from "./object-rules.ts";
import { badRequest, conflict, invalid, MODIFIED, plainError } from "./refusals.ts";
import { registryPath } from "./registry-path.ts";
import type { ServedKind } from "./served-kinds.ts";

/**
 * The sent object in its kind's form. Fields that the kind does not know are refused, reported or dropped. `current` is
 * what the object was made from by a patch.
 */
export function receive(
  served: ServedKind,
  sent: KubeObject,
  request: WriteRequest,
  current: KubeObject = sent,
): KubeObject {
  const { object, unknown } = inForm(served, sent, request, current);
  const found = fieldComplaints(unknown, []);
  const complaints = [...(request.patched?.complaints ?? []), ...found];
  dropRepeatedOwners(object, request);
  if (served.custom !== undefined) warnOfFinalizers(object, current === sent ? undefined : current, request);
  if (complaints.length > 0 && request.fieldValidation === "Strict") {
    if (request.patched === undefined) throw strictDecodingError(served, complaints);
    const why = `strict decoding error: ${complaints.join(", ")}`;
    throw invalidPatch(request.patched.shown(sent, current), why);
  }
  if (request.fieldValidation !== "Ignore") for (const complaint of complaints) request.warn?.(complaint);
  return object;
}

function inForm(served: ServedKind, sent: KubeObject, request: WriteRequest, current: KubeObject) {
  try {
    if (served.custom === undefined && sent.kind !== served.kind)
      throw new DecodeError(otherKindText(sent, served));
    return normalise(served, sent);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { patched } = request;
    if (patched !== undefined) {
      throw invalidPatch(patched.shown(sent, current), patched.converting ? error.converting : error.message);
    }
    const what = `${served.kind} in version "${served.version}" cannot be handled as a ${served.kind}`;
    throw badRequest(`${what}: ${error.message}`);
  }
}

/** Plain names of finalizers are let through for custom kinds, with a warning for new ones. */
function warnOfFinalizers(
  { metadata }: KubeObject,
  before: KubeObject | undefined,
  { warn }: WriteRequest,
): void {
  for (const name of metadata.finalizers ?? []) {
    if (name.includes("/") || before?.metadata.finalizers?.includes(name) === true) continue;
    const shown = JSON.stringify(name);
    warn?.(
      `metadata.finalizers: ${shown}: prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers`,
    );
  }
}

/** Owners named twice count once; who writes them hears of it. */
function dropRepeatedOwners({ metadata }: KubeObject, { warn }: WriteRequest): void {
  const owners = metadata.ownerReferences;
  if (owners === undefined) return;
  const first = owners.filter(({ uid }, i) => owners.findIndex((other) => other.uid === uid) === i);
  if (first.length === owners.length) return;
  const repeated = new Set(owners.filter((owner) => !first.includes(owner)).map(({ uid }) => uid));
  metadata.ownerReferences = first;
  warn?.(
    ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such " +
      `requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${[...repeated].join(", ")}`,
  );
}

const invalidPatch = (shown: string, why: string) =>
  invalid({ group: "", kind: "" }, "", [invalidField("patch", shown, why)]);

/** The body must be for the place it was sent to. */
export function checkAddressed(served: ServedKind, namespace: string | undefined, sent: KubeObject): void {
  const own = sent.metadata.namespace ?? "";
  // Where there is no namespace, one that is named counts for nothing.
  if (served.namespaced && own !== "" && own !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
}

/** An update must be of this very object, and of its present state where it names one. */
export function checkIdentity(
  served: ServedKind,
  ref: ObjectRef,
  current: KubeObject,
  sent: KubeObject,
  request: WriteRequest,
): void {
  const { name, uid, resourceVersion } = sent.metadata;
  if ((name ?? "") === "") {
    throw badRequest(
      `the name of the object (${ref.name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (name !== ref.name) {
    const shown = `the name of the object (${name}) does not match the name on the URL (${ref.name})`;
    throw badRequest(shown);
  }
  // Of a patch, another uid is an invalid field like others.
  if (request.patched === undefined && uid !== undefined && uid !== "" && uid !== current.metadata.uid) {
    const why =
      `StorageError: invalid object, Code: 4, Key: ${registryPath(served, ref)}, ResourceVersion: 0, AdditionalErrorMsg: ` +
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`;
    throw conflict(served, ref.name, why);
  }
  const expected = resourceVersion ?? "";
  if (request.conditional === true && (expected === "" || expected === "0")) {
    // Upstream names the resource in the place of the kind.
    const detail = "must be specified for an update";
    throw invalid({ group: served.group, kind: served.plural }, ref.name, [
      invalidField("metadata.resourceVersion", 0, detail),
    ]);
  }
  if (!/^\d*$/.test(expected)) {
    throw plainError(`strconv.ParseUint: parsing ${JSON.stringify(expected)}: invalid syntax`);
  }
  if (expected !== "" && expected !== "0" && expected !== current.metadata.resourceVersion) {
    throw conflict(served, ref.name, MODIFIED);
  }
}

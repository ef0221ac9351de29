import {
  DecodeError,
  fieldComplaints,
  invalid as invalidField,
  type KubeObject,
  strictDecodingError,
} from "@tracegate/kube";
import type { ObjectRef, WriteRequest } from "./context.ts";
import { normalise } from "./object-rules.ts";
import { badRequest, conflict, invalid, MODIFIED, qualified } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

/** The sent object in its kind's form. Fields that the kind does not know are refused, reported or dropped. */
export function receive(served: ServedKind, sent: KubeObject, request: WriteRequest): KubeObject {
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

/** The body must be for the place it was sent to. */
export function checkAddressed(served: ServedKind, namespace: string | undefined, sent: KubeObject): void {
  const own = sent.metadata.namespace ?? "";
  if (served.namespaced ? own !== "" && own !== namespace : own !== "") {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
}

/** An update must be of this very object, and of its present state where it names one. */
export function checkIdentity(
  served: ServedKind,
  ref: ObjectRef,
  current: KubeObject,
  sent: KubeObject,
): void {
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

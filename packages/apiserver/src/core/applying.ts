import { isObject, type KubeObject, required } from "@tracegate/kube";
import type { ApiContext, ObjectRef, WriteRequest } from "./context.ts";
import { createReceived } from "./creating.ts";
import { applied } from "./field-ownership.ts";
import { keyFor } from "./reading.ts";
import { checkAddressed, receive } from "./receiving.ts";
import { badRequest, conflict, invalidOptions, notFound } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";
import { changeObject } from "./updating.ts";

/** Server-side apply: makes the object where there is none. */
export function applyObject(
  ctx: ApiContext,
  served: ServedKind,
  ref: ObjectRef,
  subresource: string,
  configuration: KubeObject,
  request: WriteRequest & { force?: boolean; complaints?: readonly string[] },
): { readonly object: KubeObject; readonly created: boolean } {
  if ((request.fieldManager ?? "") === "") {
    throw invalidOptions("PatchOptions", required("fieldManager", "is required for apply patch"));
  }
  const entry = ctx.store.get(keyFor(served, ref.namespace, ref.name));
  if (entry !== undefined) {
    const change = (current: KubeObject) => {
      const result = applied(ctx, served, current, configuration, subresource, request);
      checkRepeated(request);
      return result;
    };
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
  checkRepeated(request);
  const { managedFields } = merged.metadata;
  // A version of nothing is passed over.
  const { resourceVersion: _, ...named } = merged.metadata;
  const received = receive(served, { ...merged, metadata: { ...named, name: ref.name } }, request);
  const own = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, ...(managedFields === undefined ? {} : { managedFields }) },
  });
  return { object: createReceived(ctx, served, ref.namespace, received, own, request), created: true };
}

/** Keys that come twice are looked for once the configuration could be applied. */
function checkRepeated({
  complaints = [],
  fieldValidation,
  warn,
}: WriteRequest & { complaints?: readonly string[] }): void {
  if (complaints.length > 0 && fieldValidation === "Strict") {
    throw badRequest(`error strict decoding YAML: ${complaints.join(", ")}`);
  }
  if (fieldValidation !== "Ignore") for (const complaint of complaints) warn?.(complaint);
}

/** The configuration that a request applies. The object's name may be left to the address. */
export function asConfiguration(body: unknown): KubeObject {
  const object = isObject(body) ? body : {};
  const metadata = isObject(object["metadata"]) ? object["metadata"] : {};
  // Of which kind and form it is, is looked at against the kind it is applied to.
  return { ...object, metadata } as unknown as KubeObject;
}

const uidOfNothing = ({ metadata }: KubeObject): string =>
  `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`;

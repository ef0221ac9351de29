/** Where a kind's own rules come in: form, defaults, validity. */
import {
  builtInErrors,
  builtInWarnings,
  customErrors,
  decodeTyped,
  type FieldError,
  invalid,
  isObject,
  type JsonObject,
  type KubeObject,
  keepOwnershipReset,
  prepareForCreate,
  prepareForUpdate,
  pruneCustom,
  TEMPLATE_GENERATION,
  withBuiltInDefaults,
  withCustomDefaults,
} from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { badRequest } from "./refusals.ts";
import { type ServedKind, schemaOf } from "./served-kinds.ts";

/** An object in its kind's form, and what it held that the kind does not declare. */
export interface Normalised {
  readonly object: KubeObject;
  /** Paths. */
  readonly unknown: readonly string[];
}

/** The object in its kind's form: a copy that shares nothing with what was sent. Throws `DecodeError` for another form. */
export function normalise(served: ServedKind, object: KubeObject): Normalised {
  if (served.custom !== undefined) {
    const pruned = pruneCustom(schemaOf(served.custom.version), asJson(object));
    return { object: asObject(pruned.object), unknown: pruned.unknown };
  }
  if (served.type === undefined) return { object: structuredClone(object), unknown: [] };
  const typed = decodeTyped(served.type, asJson(object));
  keepOwnershipReset(asJson(object), typed.object);
  return { object: asObject(typed.object), unknown: typed.unknown };
}

export function withDefaults(served: ServedKind, object: KubeObject): KubeObject {
  if (served.custom !== undefined) {
    return asObject(withCustomDefaults(schemaOf(served.custom.version), asJson(object)));
  }
  return served.type === undefined ? object : asObject(withBuiltInDefaults(served.type, asJson(object)));
}

/** What a new object begins with; it has its name and uid. `sent` is what it was before its defaults. */
export function atBirth(served: ServedKind, object: KubeObject, sent: KubeObject): KubeObject {
  return served.custom === undefined ? asObject(prepareForCreate(asJson(object), asJson(sent))) : object;
}

/**
 * A DaemonSet with its template generation in the form in which it is owned: it is a field to upstream, 0 where it is left
 * out, and set to what it must be afterwards.
 */
export function withTemplateGeneration(daemonSet: KubeObject): KubeObject {
  const { metadata } = daemonSet;
  const annotations = { [TEMPLATE_GENERATION]: "0", ...metadata.annotations };
  return { ...daemonSet, metadata: { ...metadata, annotations } };
}

/** What an update of the main resource keeps whatever was sent. */
export function forUpdate(served: ServedKind, object: KubeObject, before: KubeObject): KubeObject {
  return served.custom === undefined ? asObject(prepareForUpdate(asJson(object), asJson(before))) : object;
}

/** An update: the stored object, and the subresource it is written through ("" for the object itself). */
export interface Update {
  readonly before: KubeObject;
  readonly subresource: string;
}

/** What is wrong with an object, as a new one or as an update of the stored one. */
export function objectErrors(
  { allowPrivileged }: Pick<ApiContext, "allowPrivileged">,
  served: ServedKind,
  object: KubeObject,
  update?: Update,
): FieldError[] {
  const errors = allErrors(served, object, update);
  return allowPrivileged ? errors.filter(({ unless }) => unless === undefined) : errors;
}

function allErrors(served: ServedKind, object: KubeObject, update?: Update): FieldError[] {
  const json = asJson(object);
  if (served.custom !== undefined) {
    // Nothing else is looked at where the kind is another.
    if (object.kind !== served.kind) return [invalid("kind", object.kind, `must be ${served.kind}`)];
    const rules = { version: served.custom.version, namespaced: served.namespaced };
    return customErrors(
      rules,
      json,
      update === undefined ? undefined : asJson(update.before),
      update?.subresource,
    );
  }
  if (update === undefined) return builtInErrors(served, json);
  const { before, subresource } = update;
  // A pod that is on no node may be put on one by a plain update too; upstream wants a Binding for it.
  const binds = served.kind === "Pod" && nodeOf(before) === "" && nodeOf(object) !== "";
  return builtInErrors(served, json, {
    before: asJson(before),
    subresource: binds && subresource === "" ? "binding" : subresource,
  });
}

/** What is said of an object that is accepted. */
export const objectWarnings = (served: ServedKind, object: KubeObject, before?: KubeObject): string[] =>
  served.custom === undefined
    ? builtInWarnings(served, asJson(object), before === undefined ? undefined : asJson(before))
    : [];

const nodeOf = (pod: KubeObject): string => (pod as { spec?: { nodeName?: string } }).spec?.nodeName ?? "";

/** Objects are JSON; only the static types differ. */
export const asJson = (object: KubeObject): JsonObject => object as unknown as JsonObject;

/** JSON that has been found to be an object of some kind. */
export function asObject(value: unknown): KubeObject {
  if (!isObject(value) || !isObject(value["metadata"]))
    throw badRequest("the body is not a Kubernetes object");
  return value as unknown as KubeObject;
}

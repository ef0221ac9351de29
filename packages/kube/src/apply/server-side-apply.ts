import { isObject, type JsonObject, jsonEqual, stringAt } from "../json.ts";
import type { ManagedFieldsEntry } from "../object.ts";
import { badRequest } from "../patch/refusal.ts";
import { emptyObject } from "../schema/typed-object.ts";
import type { StructType } from "../schema/value-type.ts";
import { StatusError } from "../status.ts";
import { appliedErrors } from "./applied-check.ts";
import { conflictError } from "./conflict.ts";
import { mergeApplied, withDeclaredFields, withoutFields } from "./field-merge.ts";
import {
  difference,
  differenceBelow,
  EMPTY_SET,
  type FieldSet,
  intersection,
  isEmptySet,
  setOfPaths,
  union,
} from "./field-set.ts";
import { type Comparison, compareFields, fieldsOf, isNameable } from "./field-walk.ts";
import {
  capUpdateManagers,
  decodeManagers,
  encodeManagers,
  isManagedFieldsReset,
  type ManagerEntry,
  type Managers,
  managerKey,
} from "./managed-fields.ts";

/** Who writes, and how. */
export interface FieldWriter {
  readonly manager: string;
  /** The version that the request speaks. */
  readonly apiVersion: string;
  /** "" for the main resource. */
  readonly subresource: string;
  /** `metav1.Time` of the write. */
  readonly time: string;
  /** Paths whose changes this endpoint drops (`["status"]` on the main resource): they are never owned through it. */
  readonly ignored?: readonly (readonly string[])[];
}

export interface ApplyResult {
  /** The merged object with `metadata.managedFields`, before defaulting. */
  readonly object: JsonObject;
  /** Whether anything but managedFields differs from the live object. */
  readonly changed: boolean;
}

/**
 * Server-side apply of a configuration. `live` is the stored object, or for a create what an empty object of the kind looks
 * like (see `emptyObject`). Throws `StatusError`: 409 with a cause per conflicting field unless `force`, and the refusals of
 * configurations that cannot be applied. Equivalent to apimachinery's `managedfields` over structured-merge-diff, with every
 * manager's fields taken to be of the version at hand.
 */
export function serverSideApply(
  type: StructType,
  live: JsonObject,
  applied: JsonObject,
  writer: FieldWriter & { readonly force: boolean },
): ApplyResult {
  if (applied["apiVersion"] !== writer.apiVersion) {
    const found = typeof applied["apiVersion"] === "string" ? applied["apiVersion"] : "";
    throw badRequest(
      "Incorrect version specified in apply patch. " +
        `Specified patch version: ${found}, expected: ${writer.apiVersion}`,
    );
  }
  if (metadataOf(applied)["managedFields"] !== undefined)
    throw badRequest("metadata.managedFields must be nil");
  refuseUntypable(type, applied);

  const [before, managers] = liveManagers(type, live, writer);
  const { manager, apiVersion, subresource } = writer;
  const self: ManagerEntry = { manager, apiVersion, subresource, operation: "Apply", set: EMPTY_SET };
  const key = managerKey(self);
  const last = managers.entries.get(key);
  const ignored = ignoredSet(writer);
  const set = differenceBelow(fieldsOf(type, applied), ignored);
  managers.entries.set(key, { ...self, set, ...(last?.time === undefined ? {} : { time: last.time }) });

  let merged = mergeApplied(type, before, applied);
  if (last !== undefined && !isEmptySet(last.set)) merged = pruneDropped(type, merged, managers, last.set);
  const comparison = ignoring(compareFields(type, before, merged), ignored);
  takeOver(managers, comparison, key, writer.force);
  stripMetadata(managers, key);

  const changed = !jsonEqual(before, merged);
  const entry = managers.entries.get(key);
  if (changed && entry !== undefined) managers.entries.set(key, { ...entry, ...timeOf(writer) });
  const result = isObject(merged) ? merged : {};
  return { object: withManagedFields(result, encodeManagers(managers)), changed };
}

/**
 * The `managedFields` of an object that was written by other means than apply: what changed is owned by the writer now.
 * `live` is the stored object (or `emptyObject` on create), `written` what is about to be stored, defaults included.
 */
export function trackUpdate(
  type: StructType,
  live: JsonObject,
  written: JsonObject,
  writer: FieldWriter,
): ManagedFieldsEntry[] | undefined {
  const sent = metadataOf(written)["managedFields"];
  const isMain = writer.subresource === "";
  if (isMain && isManagedFieldsReset(sent)) return undefined;
  const ofLive = decodeManagers(metadataOf(live)["managedFields"]) ?? { entries: new Map() };
  const ofWritten = isMain ? decodeManagers(sent) : undefined;
  const managers = ofWritten === undefined || ofWritten.entries.size === 0 ? ofLive : ofWritten;
  const isCreate = metadataOf(live)["uid"] === undefined;
  // An object that nobody tracks stays so until it is applied.
  if (managers.entries.size === 0 && !isCreate) return undefined;
  if (!isNameable(type, written)) return undefined;
  recordUpdate(type, withManagedFields(live), withManagedFields(written), managers, writer);
  capUpdateManagers(managers);
  return encodeManagers(managers);
}

function recordUpdate(
  type: StructType,
  live: JsonObject,
  written: JsonObject,
  managers: Managers,
  writer: FieldWriter,
): void {
  const comparison = ignoring(compareFields(type, live, written), ignoredSet(writer));
  takeOver(managers, comparison, undefined, true);
  const changed = difference(union(comparison.modified, comparison.added), METADATA);
  if (isEmptySet(changed)) return;
  const entry: ManagerEntry = {
    ...writer,
    manager: writer.manager || "unknown",
    operation: "Update",
    set: changed,
  };
  const key = managerKey(entry);
  const previous = managers.entries.get(key)?.set ?? EMPTY_SET;
  managers.entries.set(key, { ...entry, set: union(changed, previous) });
}

/** When a write was made. Upstream loses the time of what is written through a scale, and so its place in the order. */
function timeOf({ subresource, time }: FieldWriter): { time?: string } {
  return subresource === "scale" ? {} : { time };
}

/** Takes changed fields from the other managers: by force, or not at all. */
function takeOver(
  managers: Managers,
  comparison: Comparison,
  self: string | undefined,
  force: boolean,
): void {
  const written = union(comparison.modified, comparison.added);
  const conflicts: { entry: ManagerEntry; set: FieldSet }[] = [];
  for (const [key, entry] of managers.entries) {
    if (key === self) continue;
    const set = intersection(entry.set, written);
    if (!isEmptySet(set)) conflicts.push({ entry, set });
  }
  if (!force && conflicts.length > 0) throw conflictError(conflicts);
  for (const [key, entry] of managers.entries) {
    if (key === self) continue;
    const left = difference(difference(entry.set, written), comparison.removed);
    if (isEmptySet(left)) managers.entries.delete(key);
    else managers.entries.set(key, { ...entry, set: left });
  }
}

/** Removes what the applier applied last time and not now, unless someone else owns it. */
function pruneDropped(type: StructType, merged: unknown, managers: Managers, lastSet: FieldSet): unknown {
  const declared = (set: FieldSet) => withDeclaredFields(type, set);
  const mergedSet = declared(fieldsOf(type, merged));
  let pruned = withoutFields(type, merged, declared(lastSet));
  const owned = [...managers.entries.values()].reduce((all, { set }) => union(all, set), EMPTY_SET);
  const kept = union(declared(fieldsOf(type, pruned ?? {})), declared(owned));
  pruned = withoutFields(type, merged, difference(mergedSet, kept));
  // Only what this applier had is removed; what nobody owns stays.
  const gone = difference(mergedSet, declared(fieldsOf(type, pruned ?? {})));
  return withoutFields(type, merged, intersection(gone, declared(lastSet)));
}

/** The live object without managedFields, and its managers: an untracked object belongs to `before-first-apply`. */
function liveManagers(type: StructType, live: JsonObject, writer: FieldWriter): [JsonObject, Managers] {
  const managers = decodeManagers(metadataOf(live)["managedFields"]) ?? { entries: new Map() };
  const before = withManagedFields(live);
  const exists = metadataOf(live)["uid"] !== undefined;
  if (managers.entries.size === 0 && exists) {
    const first = { ...writer, manager: "before-first-apply" };
    recordUpdate(type, emptyObject(type, writer.apiVersion, String(live["kind"])), before, managers, first);
  }
  return [before, managers];
}

function refuseUntypable(type: StructType, applied: JsonObject): void {
  // Every object has these two, whatever its type declares.
  const { apiVersion, kind, ...rest } = applied;
  const errors = appliedErrors(type, rest);
  if (errors.length === 0) return;
  const [namespace, name] = ["namespace", "name"].map((field) => stringAt(metadataOf(applied), field));
  const [group = "", version = ""] = splitVersion(apiVersion);
  const who = `${namespace}/${name}; ${group}/${version}, Kind=${String(kind)}`;
  const text = errors.length === 1 ? errors[0] : `errors:\n${errors.map((error) => `  ${error}`).join("\n")}`;
  throw new StatusError({ message: `failed to create typed patch object (${who}): ${text}`, code: 500 });
}

function splitVersion(apiVersion: unknown): [string, string] {
  const text = typeof apiVersion === "string" ? apiVersion : "";
  const slash = text.indexOf("/");
  return slash < 0 ? ["", text] : [text.slice(0, slash), text.slice(slash + 1)];
}

/** Fields of metadata that belong to the server, or name the object: nobody owns them. */
const METADATA = setOfPaths(
  [
    ["apiVersion"],
    ["kind"],
    ["metadata"],
    ...[
      "name",
      "namespace",
      "creationTimestamp",
      "selfLink",
      "uid",
      "generation",
      "managedFields",
      "resourceVersion",
      "deletionTimestamp",
      "deletionGracePeriodSeconds",
    ].map((name) => ["metadata", name]),
  ].map((path) => path.map((name) => `f:${name}`)),
);

function stripMetadata(managers: Managers, key: string): void {
  const entry = managers.entries.get(key);
  if (entry === undefined) return;
  const set = difference(entry.set, METADATA);
  if (isEmptySet(set)) managers.entries.delete(key);
  else managers.entries.set(key, { ...entry, set });
}

function ignoredSet({ ignored = [] }: FieldWriter): FieldSet {
  return setOfPaths(ignored.map((path) => path.map((name) => `f:${name}`)));
}

function ignoring({ added, modified, removed }: Comparison, ignored: FieldSet): Comparison {
  return {
    added: differenceBelow(added, ignored),
    modified: differenceBelow(modified, ignored),
    removed: differenceBelow(removed, ignored),
  };
}

function metadataOf(object: JsonObject): JsonObject {
  return isObject(object["metadata"]) ? object["metadata"] : {};
}

/** The object with these managedFields, or without any. */
function withManagedFields(object: JsonObject, entries?: ManagedFieldsEntry[]): JsonObject {
  if (!isObject(object["metadata"])) return object;
  const { managedFields: _, ...metadata } = object["metadata"];
  return { ...object, metadata: entries === undefined ? metadata : { ...metadata, managedFields: entries } };
}

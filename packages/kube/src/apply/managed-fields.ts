import { isObject } from "../json.ts";
import type { ManagedFieldsEntry } from "../object.ts";
import { type FieldSet, fromFieldsV1, isEmptySet, isFieldsV1, toFieldsV1, union } from "./field-set.ts";

/** Who owns which fields: one entry per manager, operation, subresource and, for updates, version. */
export interface Managers {
  readonly entries: Map<string, ManagerEntry>;
}

export interface ManagerEntry {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time?: string;
  readonly set: FieldSet;
}

type ManagerIdentity = Pick<ManagerEntry, "manager" | "operation" | "apiVersion" | "subresource">;

/** More `Update` entries than this are folded into `ancient-changes`, the oldest first. */
const MAX_UPDATE_MANAGERS = 10;

/** The identity of an entry as text; appliers keep theirs whatever the version. */
export function managerKey({ manager, operation, apiVersion, subresource }: ManagerIdentity): string {
  return JSON.stringify({
    manager,
    operation,
    ...(operation === "Apply" ? {} : { apiVersion }),
    ...(subresource === "" ? {} : { subresource }),
  });
}

/** Reads `metadata.managedFields`; undefined where the list is malformed. */
export function decodeManagers(managedFields: unknown): Managers | undefined {
  const entries = new Map<string, ManagerEntry>();
  if (managedFields === undefined || managedFields === null) return { entries };
  if (!Array.isArray(managedFields)) return undefined;
  for (const raw of managedFields) {
    const entry = decodeEntry(raw);
    if (entry === undefined) return undefined;
    entries.set(managerKey(entry), entry);
  }
  return { entries };
}

/** Whether a request clears all ownership: `[]` or `[{}]`. */
export function isManagedFieldsReset(managedFields: unknown): boolean {
  if (!Array.isArray(managedFields)) return false;
  if (managedFields.length === 0) return true;
  const [only] = managedFields;
  return managedFields.length === 1 && isObject(only) && Object.keys(only).length === 0;
}

/** The entries as `metadata.managedFields` holds them: sorted by operation, time, manager. Undefined when there are none. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  const entries = [...managers.entries.values()].filter(({ set }) => !isEmptySet(set)).sort(compareEntries);
  if (entries.length === 0) return undefined;
  return entries.map(({ manager, operation, apiVersion, time, set, subresource }) => ({
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: "FieldsV1",
    fieldsV1: toFieldsV1(set),
    ...(subresource === "" ? {} : { subresource }),
  }));
}

/** Folds the oldest updaters of each version together until no more than the limit are left. */
export function capUpdateManagers(managers: Managers): void {
  const updaters = [...managers.entries].filter(([, entry]) => entry.operation === "Update");
  let excess = updaters.length - MAX_UPDATE_MANAGERS;
  if (excess <= 0) return;
  updaters.sort(([, a], [, b]) => compareEntries(a, b));
  const first = new Map<string, string>();
  for (const [key, entry] of updaters) {
    if (excess <= 0) return;
    const previous = first.get(entry.apiVersion);
    if (previous === undefined) {
      first.set(entry.apiVersion, key);
      continue;
    }
    const bucket: ManagerEntry = { ...entry, manager: "ancient-changes", subresource: "" };
    const bucketKey = managerKey(bucket);
    const gathered = managers.entries.get(bucketKey) ?? managers.entries.get(previous);
    managers.entries.delete(previous);
    managers.entries.delete(key);
    managers.entries.set(bucketKey, { ...bucket, set: union(entry.set, gathered?.set ?? entry.set) });
    excess--;
  }
}

function decodeEntry(raw: unknown): ManagerEntry | undefined {
  if (!isObject(raw)) return undefined;
  const { manager = "", operation, apiVersion, subresource = "", time, fieldsType, fieldsV1 } = raw;
  if (operation !== "Apply" && operation !== "Update") return undefined;
  if (typeof manager !== "string" || typeof subresource !== "string") return undefined;
  if (typeof apiVersion !== "string" || apiVersion === "" || fieldsType !== "FieldsV1") return undefined;
  if (!isFieldsV1(fieldsV1 ?? {})) return undefined;
  const identity = { manager, operation, apiVersion, subresource } as const;
  return { ...identity, ...(typeof time === "string" ? { time } : {}), set: fromFieldsV1(fieldsV1 ?? {}) };
}

function compareEntries(a: ManagerEntry, b: ManagerEntry): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? "", b.time ?? "") ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

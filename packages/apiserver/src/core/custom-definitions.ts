import { type Condition, type CustomResourceDefinition, formatTime, type KubeObject } from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { DEFINITIONS } from "./definition-birth.ts";
import { deleteObject } from "./deleting.ts";
import { DEFINITION_CLEANUP } from "./deletion.ts";
import { withOwners } from "./field-ownership.ts";
import { keyFor, storedObject } from "./reading.ts";
import type { ServedKind } from "./served-kinds.ts";

/**
 * Serves what definitions declare and says so in their status; on deletion first removes the objects of the kind. In
 * upstream these are controllers of their own; here they run inside the write, so there is no moment in between.
 */
export function definitionStored(ctx: ApiContext, name: string, object: KubeObject | undefined): void {
  if (object === undefined) {
    ctx.kinds.remove(name);
    return;
  }
  const definition = object as CustomResourceDefinition;
  if (definition.metadata.deletionTimestamp !== undefined) {
    removeInstances(ctx, definition);
    return;
  }
  const rival = rivalOf(ctx, definition);
  if (rival === undefined) ctx.kinds.define(definition);
  const next = established(definition, rival, formatTime(ctx.clock.now()));
  if (next === undefined) return;
  const served = ctx.kinds.findKind(definition.apiVersion, definition.kind);
  if (served === undefined) return;
  writeBack(ctx, withOwners(ctx, served, definition, next, "status", { fieldManager: "kube-apiserver" }));
}

/** A definition that is being deleted goes once the last object of its kind has gone. */
export function instanceRemoved(ctx: ApiContext, served: ServedKind): void {
  if (served.custom === undefined) return;
  const entry = ctx.store.get(`${DEFINITIONS}/${served.custom.definition}`);
  if (entry === undefined) return;
  const definition = storedObject(entry.value) as CustomResourceDefinition;
  if (definition.metadata.deletionTimestamp !== undefined) removeInstances(ctx, definition);
}

function removeInstances(ctx: ApiContext, definition: CustomResourceDefinition): void {
  const { group, names } = definition.spec;
  const served = [...ctx.kinds.all()].find(
    (kind) => kind.custom?.definition === definition.metadata.name && kind.plural === names.plural,
  );
  const collection = `${names.plural}.${group}/`;
  if (served !== undefined) {
    for (const { value } of ctx.store.list(collection)) {
      const { name, namespace, deletionTimestamp } = storedObject(value).metadata;
      if (deletionTimestamp !== undefined) continue;
      // The last of them may take the definition along (instanceRemoved).
      if (ctx.store.get(keyFor(served, namespace, name)) === undefined) continue;
      deleteObject(ctx, served, { name, ...(namespace === undefined ? {} : { namespace }) }, {});
    }
  }
  if (ctx.store.count(collection) > 0) return;
  const entry = ctx.store.get(`${DEFINITIONS}/${definition.metadata.name}`);
  if (entry === undefined) return;
  const current = storedObject(entry.value);
  const finalizers = (current.metadata.finalizers ?? []).filter((name) => name !== DEFINITION_CLEANUP);
  if (finalizers.length === (current.metadata.finalizers ?? []).length) return;
  const next = { ...current, metadata: { ...current.metadata, finalizers } };
  if (finalizers.length > 0) {
    ctx.store.update(entry.key, entry.revision, (revision) => at(next, revision));
  } else {
    ctx.store.delete(entry.key, entry.revision, (revision) => at(next, revision));
    ctx.kinds.remove(definition.metadata.name);
  }
}

function writeBack(ctx: ApiContext, next: KubeObject): void {
  const entry = ctx.store.get(`${DEFINITIONS}/${next.metadata.name}`);
  if (entry !== undefined) ctx.store.update(entry.key, entry.revision, (revision) => at(next, revision));
}

function at(object: KubeObject, revision: number) {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** Another definition that already serves the kind or one of the names in the same group. */
function rivalOf(ctx: ApiContext, { metadata, spec }: CustomResourceDefinition): ServedKind | undefined {
  return [...ctx.kinds.all()].find(
    (served) =>
      served.group === spec.group &&
      served.custom?.definition !== metadata.name &&
      (served.plural === spec.names.plural || served.kind === spec.names.kind),
  );
}

/** The definition with its status as the naming and establishing controllers leave it; undefined when it is so already. */
function established(
  definition: CustomResourceDefinition,
  rival: ServedKind | undefined,
  now: string,
): CustomResourceDefinition | undefined {
  const { names, versions } = definition.spec;
  const stored = definition.status?.storedVersions ?? [];
  const storage = versions.find((version) => version.storage)?.name;
  const wanted: Condition[] =
    rival === undefined
      ? [
          condition("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
          condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
        ]
      : [
          condition("NamesAccepted", "False", "KindConflict", `"${names.kind}" is already in use`),
          condition("Established", "False", "NotAccepted", "not all names are accepted"),
        ];
  const complete =
    wanted.every(({ type, status }) =>
      definition.status?.conditions?.some((found) => found.type === type && found.status === status),
    ) &&
    JSON.stringify(definition.status?.acceptedNames) === JSON.stringify(names) &&
    (storage === undefined || stored.includes(storage));
  if (complete) return undefined;
  const kept = (definition.status?.conditions ?? []).filter(
    ({ type }) => !wanted.some((own) => own.type === type),
  );
  const since = (own: Condition): Condition => {
    const before = definition.status?.conditions?.find(
      ({ type, status }) => type === own.type && status === own.status,
    );
    return before ?? { ...own, lastTransitionTime: now };
  };
  return {
    ...definition,
    status: {
      ...definition.status,
      conditions: [...kept, ...wanted.map(since)],
      acceptedNames:
        rival === undefined ? names : (definition.status?.acceptedNames ?? { plural: "", kind: "" }),
      storedVersions: storage === undefined || stored.includes(storage) ? stored : [...stored, storage],
    },
  };
}

const condition = (type: string, status: "True" | "False", reason: string, message: string): Condition => ({
  type,
  status,
  reason,
  message,
});

/** Serves the definitions that a store already holds, as a start finds them. */
export function restoreDefinitions(ctx: ApiContext): void {
  for (const { value } of ctx.store.list(`${DEFINITIONS}/`)) {
    const definition = storedObject(value) as CustomResourceDefinition;
    const accepted = definition.status?.conditions?.some(
      ({ type, status }) => type === "Established" && status === "True",
    );
    if (accepted === true) ctx.kinds.define(definition);
  }
}

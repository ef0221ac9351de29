import type { Clock } from "@tracegate/contracts";
import {
  apiVersionOf,
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  builtInType,
  formatTime,
  jsonEqual,
  type Kind,
  type KubeObject,
  type ListOptions,
  matchesRequirements,
  type Patch,
  parseLabelSelector,
  type Ref,
  type ResourceClient,
  refKey,
  StatusError,
  type StatusReason,
  type WatchHandler,
  type WatchOptions,
} from "@tracegate/kube";

/**
 * A `ResourceClient` with nothing behind it but maps: no defaults, no validation, no admission. For tests of the runtime
 * and of controllers that need no more; what depends on the API's own behaviour is tested over the API server.
 */
export interface MemoryClient extends ResourceClient {
  /** Ends every watch of this moment; with `forget`, the history before now is gone too (410 to who comes back). */
  breakWatches(options?: { reason?: Error; forget?: boolean }): void;
  /** Called before each write; what it throws is the API's answer. */
  onWrite: ((verb: string, kind: Kind, ref: Ref) => void) | undefined;
}

interface Change {
  readonly revision: number;
  readonly kind: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
}

interface Watcher {
  readonly kind: string;
  readonly options: WatchOptions;
  readonly handler: WatchHandler<KubeObject>;
}

export function memoryClient(clock: Clock): MemoryClient {
  let revision = 0;
  let uids = 0;
  let forgotten = 0;
  const history: Change[] = [];
  const objects = new Map<string, Map<string, KubeObject>>();
  const watchers = new Set<Watcher>();

  const kindKey = (kind: Kind) => `${apiVersionOf(kind)}/${kind.plural}`;
  const of = (kind: Kind) => {
    const known = objects.get(kindKey(kind)) ?? new Map<string, KubeObject>();
    objects.set(kindKey(kind), known);
    return known;
  };
  const current = (kind: Kind, ref: Ref) => {
    const object = of(kind).get(refKey(ref));
    if (object === undefined) throw refusal(404, "NotFound", `${kind.plural} "${ref.name}" not found`);
    return object;
  };

  function commit(kind: Kind, type: Change["type"], object: KubeObject): KubeObject {
    const next = structuredClone(object);
    next.metadata.resourceVersion = String(++revision);
    if (type === "DELETED") of(kind).delete(refKey(next.metadata));
    else of(kind).set(refKey(next.metadata), next);
    const change = { revision, kind: kindKey(kind), type, object: next };
    history.push(change);
    for (const watcher of watchers) queueMicrotask(() => deliver(watcher, change));
    return next;
  }

  function deliver(watcher: Watcher, { kind, type, object }: Change): void {
    if (!watchers.has(watcher) || watcher.kind !== kind) return;
    if (watcher.options.namespace !== undefined && watcher.options.namespace !== object.metadata.namespace)
      return;
    if (!matchesText(watcher.options.labelSelector, object)) return;
    watcher.handler.event({ type, object });
  }

  function replace(kind: Kind, before: KubeObject, wanted: KubeObject, subresource?: string): KubeObject {
    const after = structuredClone(
      subresource === "status" ? { ...before, ...pick(wanted, "status") } : wanted,
    );
    if (subresource === undefined && "status" in before) Object.assign(after, pick(before, "status"));
    const { generation, ...identity } = before.metadata;
    after.metadata = {
      ...after.metadata,
      ...pick(identity, "uid", "creationTimestamp", "deletionTimestamp", "resourceVersion"),
    };
    if (jsonEqual(after, before)) return before;
    const specChanged = !jsonEqual(pick(after, "spec"), pick(before, "spec"));
    after.metadata.generation = (generation ?? 1) + (specChanged ? 1 : 0);
    const ended =
      after.metadata.deletionTimestamp !== undefined && (after.metadata.finalizers ?? []).length === 0;
    // The API's objects have the type of their kind by construction.
    return commit(kind, ended ? "DELETED" : "MODIFIED", after);
  }

  function remove(kind: Kind, object: KubeObject): void {
    if (object.metadata.deletionTimestamp !== undefined) return;
    if ((object.metadata.finalizers ?? []).length === 0) {
      commit(kind, "DELETED", object);
      return;
    }
    const deletionTimestamp = formatTime(clock.now());
    commit(kind, "MODIFIED", { ...object, metadata: { ...object.metadata, deletionTimestamp } });
  }

  const select = (kind: Kind, { namespace, labelSelector }: ListOptions) =>
    [...of(kind).entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object)
      .filter((object) => namespace === undefined || object.metadata.namespace === namespace)
      .filter((object) => matchesText(labelSelector, object));

  const client: MemoryClient = {
    onWrite: undefined,
    breakWatches({ reason, forget = false } = {}) {
      if (forget) forgotten = revision;
      for (const watcher of [...watchers]) {
        watchers.delete(watcher);
        watcher.handler.close(reason);
      }
    },
    // The casts below: objects of a kind's map were stored under that kind, so they have its type.
    async get<T extends KubeObject>(kind: Kind<T>, ref: Ref) {
      return current(kind, ref) as T;
    },
    async list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}) {
      return {
        apiVersion: apiVersionOf(kind),
        kind: `${kind.kind}List`,
        metadata: { resourceVersion: String(revision) },
        items: select(kind, options) as T[],
      };
    },
    watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions, handler: WatchHandler<T>) {
      const watcher: Watcher = {
        kind: kindKey(kind),
        options,
        handler: handler as WatchHandler<KubeObject>,
      };
      const from = Number(options.resourceVersion);
      watchers.add(watcher);
      if (from < forgotten) {
        queueMicrotask(() => {
          if (watchers.delete(watcher)) handler.close(refusal(410, "Expired", "too old resource version"));
        });
      } else {
        for (const change of history) {
          if (change.revision > from) queueMicrotask(() => deliver(watcher, change));
        }
      }
      return { stop: () => void watchers.delete(watcher) };
    },
    async create<T extends KubeObject>(kind: Kind<T>, object: T) {
      const name = object.metadata.name || `${object.metadata.generateName ?? ""}${suffix(uids)}`;
      client.onWrite?.("create", kind, { ...object.metadata, name });
      if (of(kind).has(refKey({ ...object.metadata, name }))) {
        throw refusal(409, "AlreadyExists", `${kind.plural} "${name}" already exists`);
      }
      const uid = `00000000-0000-4000-8000-${String(++uids).padStart(12, "0")}`;
      const creationTimestamp = formatTime(clock.now());
      return commit(kind, "ADDED", {
        ...object,
        metadata: { ...object.metadata, name, uid, creationTimestamp, generation: 1 },
      }) as T;
    },
    async update<T extends KubeObject>(kind: Kind<T>, object: T, options: { subresource?: string } = {}) {
      client.onWrite?.("update", kind, object.metadata);
      const before = current(kind, object.metadata);
      const { resourceVersion } = object.metadata;
      if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
        throw refusal(409, "Conflict", `${kind.plural} "${object.metadata.name}" has been modified`);
      }
      return replace(kind, before, object, options.subresource) as T;
    },
    async patch<T extends KubeObject>(
      kind: Kind<T>,
      ref: Ref,
      patch: Patch,
      options: { subresource?: string } = {},
    ) {
      client.onWrite?.("patch", kind, ref);
      const before = current(kind, ref);
      return replace(kind, before, patched(kind, before, patch), options.subresource) as T;
    },
    async delete(kind: Kind, ref: Ref, options = {}) {
      client.onWrite?.("delete", kind, ref);
      const object = current(kind, ref);
      if (options.preconditions?.uid !== undefined && options.preconditions.uid !== object.metadata.uid) {
        throw refusal(409, "Conflict", "the UID in the precondition does not match");
      }
      remove(kind, object);
    },
    async deleteCollection(kind: Kind, options: ListOptions) {
      for (const object of select(kind, options)) remove(kind, object);
    },
  };
  return client;
}

/** What a patch makes of an object is again one, unless the test says otherwise. */
function patched(kind: Kind, before: KubeObject, patch: Patch): KubeObject {
  switch (patch.type) {
    case "merge":
      return applyMergePatch(before, patch.body) as KubeObject;
    case "strategic": {
      const type = builtInType(apiVersionOf(kind), kind.kind);
      if (type === undefined) throw refusal(415, "UnsupportedMediaType", "no strategic merge for this kind");
      return applyStrategicMergePatch({ ...before }, patch.body, type) as unknown as KubeObject;
    }
    case "json":
      return applyJsonPatch(before, patch.operations) as KubeObject;
    case "apply":
      throw new Error("the memory client has no server-side apply; use the API server");
  }
}

const matchesText = (selector: string | undefined, object: KubeObject) =>
  selector === undefined || matchesRequirements(parseLabelSelector(selector), object.metadata.labels);

const suffix = (n: number) => n.toString(36).padStart(5, "0");

const refusal = (code: number, reason: StatusReason, message: string) =>
  new StatusError({ code, reason, message });

function pick<T extends object>(object: T, ...keys: string[]): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => keys.includes(key))) as Partial<T>; // keys of T only
}

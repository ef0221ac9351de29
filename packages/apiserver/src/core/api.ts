import type { Clock } from "@tracegate/contracts";
import type { KubeList, KubeObject, Patch } from "@tracegate/kube";
import type { Store } from "@tracegate/store";
import { applyObject, asConfiguration } from "./applying.ts";
import { bootstrap, furnishNamespace } from "./bootstrap.ts";
import type { ApiContext, ObjectRef, WriteRequest } from "./context.ts";
import { createObject } from "./creating.ts";
import { definitionStored, instanceRemoved, restoreDefinitions } from "./custom-definitions.ts";
import { isDefinitions } from "./definition-birth.ts";
import { deleteObject } from "./deleting.ts";
import type { DeleteRequest } from "./deletion.ts";
import { EventExpiry } from "./event-expiry.ts";
import type { Random } from "./names.ts";
import { isNamespaces } from "./namespace-admission.ts";
import { patched, patchedBy } from "./patching.ts";
import { bindPod, evictPod } from "./pod-verbs.ts";
import { keyFor, type ListQuery, listObjects, readObject } from "./reading.ts";
import { qualified } from "./refusals.ts";
import { type Scale, scaleOf, withScale } from "./scale.ts";
import { applyScale } from "./scale-applying.ts";
import { type ServedKind, ServedKinds } from "./served-kinds.ts";
import { updateObject } from "./updating.ts";
import { type ObjectChange, type WatchQuery, type WatchStart, watchObjects } from "./watching.ts";

export interface ApiOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Names, uids and addresses are made from it. Default: the system's; a seeded one makes runs repeat. */
  readonly random?: Random;
  /** NodePorts that are given out only where a Service asks for them by number. */
  readonly reservedNodePorts?: readonly number[];
  /** Kinds, as `statefulsets.apps`, that no controller works on: whoever makes one is warned. */
  readonly idleKinds?: readonly string[];
  /**
   * Whether a pod that names no service account gets `default`, as the admission plugin ServiceAccount has it: on in the
   * platform, off by default, as in the server that the recordings were made with.
   */
  readonly defaultServiceAccount?: boolean;
  /** kube-apiserver's flag `--allow-privileged`: off by default there, too, and on in the clusters that people know. */
  readonly allowPrivileged?: boolean;
}

/**
 * The Kubernetes API over a store, without HTTP. Every call is synchronous, so a read-modify-write is never torn, and
 * refusals are thrown as `StatusError`. Objects handed out are shared: treat them as frozen.
 */
export class Api {
  readonly kinds: ServedKinds;
  readonly clock: Clock;
  readonly store: Store;
  readonly #ctx: ApiContext;
  readonly #expiry = new EventExpiry();

  constructor(options: ApiOptions) {
    const { store, clock, random = systemRandom, reservedNodePorts = [], idleKinds = [] } = options;
    this.kinds = new ServedKinds();
    this.clock = clock;
    this.store = store;
    this.#ctx = {
      store,
      clock,
      random,
      kinds: this.kinds,
      reservedNodePorts: new Set(reservedNodePorts),
      idleKinds: new Set(idleKinds),
      defaultServiceAccount: options.defaultServiceAccount === true,
      allowPrivileged: options.allowPrivileged === true,
      stored: (served, name, object) => this.#stored(served, name, object),
    };
    restoreDefinitions(this.#ctx);
    bootstrap(this.#ctx);
  }

  get(served: ServedKind, { namespace, name }: ObjectRef): KubeObject {
    return readObject(this.store, served, namespace, name);
  }

  list(served: ServedKind, query: ListQuery = {}): KubeList<KubeObject> {
    if (served.plural === "events") this.#expiry.sweep(this.#ctx);
    return listObjects(this.store, served, query);
  }

  watch(served: ServedKind, query: WatchQuery, listener: (change: ObjectChange) => void): WatchStart {
    return watchObjects(this.store, served, query, listener);
  }

  create(
    served: ServedKind,
    namespace: string | undefined,
    object: KubeObject,
    request: WriteRequest = {},
  ): KubeObject {
    if (served.plural === "events") this.#expiry.sweep(this.#ctx);
    return createObject(this.#ctx, served, namespace, object, request);
  }

  update(
    served: ServedKind,
    ref: ObjectRef,
    object: KubeObject,
    request: WriteRequest & { subresource?: string } = {},
  ): KubeObject {
    return updateObject(this.#ctx, served, ref, request.subresource ?? "", () => object, request);
  }

  /** A PUT: some kinds are made by it where there is no such object. */
  updateOrCreate(
    served: ServedKind,
    ref: ObjectRef,
    object: KubeObject,
    request: WriteRequest & { subresource?: string },
  ): { readonly object: KubeObject; readonly created: boolean } {
    const missing = this.store.get(keyFor(served, ref.namespace, ref.name)) === undefined;
    if (missing && (request.subresource ?? "") === "" && CREATED_BY_UPDATE.has(qualified(served))) {
      const { resourceVersion: _, ...metadata } = object.metadata;
      return { object: this.create(served, ref.namespace, { ...object, metadata }, request), created: true };
    }
    return { object: this.update(served, ref, object, request), created: false };
  }

  patch(
    served: ServedKind,
    ref: ObjectRef,
    patch: Patch,
    request: WriteRequest & { subresource?: string; force?: boolean; complaints?: readonly string[] } = {},
  ): KubeObject {
    const subresource = request.subresource ?? "";
    if (patch.type === "apply") {
      return applyObject(this.#ctx, served, ref, subresource, asConfiguration(patch.body), request).object;
    }
    const change = (current: KubeObject) => patched(served, current, patch);
    const by = patchedBy(served, patch, request.complaints ?? []);
    return updateObject(this.#ctx, served, ref, subresource, change, { ...request, patched: by });
  }

  /** Server-side apply, with word of whether it made the object. */
  apply(
    served: ServedKind,
    ref: ObjectRef,
    configuration: KubeObject,
    request: WriteRequest & { subresource?: string; force?: boolean; complaints?: readonly string[] },
  ): { readonly object: KubeObject; readonly created: boolean } {
    return applyObject(this.#ctx, served, ref, request.subresource ?? "", configuration, request);
  }

  delete(
    served: ServedKind,
    ref: ObjectRef,
    request: DeleteRequest = {},
  ): { object: KubeObject; removed: boolean } {
    return deleteObject(this.#ctx, served, ref, request);
  }

  /** Deletes what a list finds, one by one; answers what was found. */
  deleteCollection(served: ServedKind, query: ListQuery, request: DeleteRequest = {}): KubeList<KubeObject> {
    const found = this.list(served, query);
    for (const { metadata } of found.items) {
      const { name, namespace } = metadata;
      deleteObject(this.#ctx, served, { name, ...(namespace === undefined ? {} : { namespace }) }, request);
    }
    return found;
  }

  getScale(served: ServedKind, ref: ObjectRef): Scale {
    return scaleOf(served, this.get(served, ref));
  }

  /** Writes replicas through the `scale` subresource; `change` makes the Scale from the current one. */
  updateScale(
    served: ServedKind,
    ref: ObjectRef,
    change: (current: Scale) => KubeObject,
    request: WriteRequest = {},
  ): Scale {
    const next = (current: KubeObject) => withScale(served, current, change(scaleOf(served, current)));
    return scaleOf(served, updateObject(this.#ctx, served, ref, "scale", next, request));
  }

  /** Server-side apply of a Scale. */
  applyScale(
    served: ServedKind,
    ref: ObjectRef,
    configuration: KubeObject,
    request: WriteRequest & { force?: boolean },
  ): Scale {
    return applyScale(this.#ctx, served, ref, configuration, request);
  }

  /** Puts a pod on the node that a Binding names. */
  bind(ref: ObjectRef, binding: KubeObject, request: WriteRequest = {}): void {
    bindPod(this.#ctx, this.#pods(), ref, binding, request);
  }

  /** Deletes a pod if the disruption budgets allow it. */
  evict(ref: ObjectRef, request: DeleteRequest = {}): void {
    evictPod(this.#ctx, this.#pods(), ref, request);
  }

  #pods(): ServedKind {
    const served = this.kinds.find("", "v1", "pods");
    if (served === undefined) throw new Error("pods are a built-in kind");
    return served;
  }

  #stored(served: ServedKind, name: string, object: KubeObject | undefined): void {
    if (isDefinitions(served)) definitionStored(this.#ctx, name, object);
    else if (object === undefined) instanceRemoved(this.#ctx, served);
    else if (isNamespaces(served)) furnishNamespace(this.#ctx, object);
  }
}

const CREATED_BY_UPDATE = new Set([
  "endpoints",
  "events",
  "events.events.k8s.io",
  "leases.coordination.k8s.io",
  "limitranges",
  "services",
  "roles.rbac.authorization.k8s.io",
  "rolebindings.rbac.authorization.k8s.io",
  "clusterroles.rbac.authorization.k8s.io",
  "clusterrolebindings.rbac.authorization.k8s.io",
]);

/** Opens the API over a store: kinds, system namespaces and the `kubernetes` service are there at once. */
export function createApi(options: ApiOptions): Api {
  return new Api(options);
}

/** Random bits are drawn in batches: a call for each number costs more than all else in making a name. */
const drawn = new Uint32Array(256);
let used = drawn.length;

const systemRandom: Random = () => {
  if (used === drawn.length) {
    crypto.getRandomValues(drawn);
    used = 0;
  }
  return (drawn[used++] ?? 0) / 2 ** 32;
};

import type { Kind, Ref } from "./kind.ts";
import type { KubeList, KubeObject } from "./object.ts";

/**
 * What every controller sees of the world: the embedded API in this process, an in-memory one on virtual time, or a
 * real cluster. Every method rejects with a `StatusError` that carries the API's own Status.
 *
 * Objects handed out are shared with caches: treat them as frozen and copy before changing (`structuredClone`).
 */
export interface ResourceClient {
  get<T extends KubeObject>(kind: Kind<T>, ref: Ref): Promise<T>;
  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<KubeList<T>>;
  /**
   * Calls `handler` for each change after `options.resourceVersion` (from a list), in order, one event at a time.
   * `close` is called once, when the watch ends by itself: with a 410 Status the caller lists again.
   */
  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions, handler: WatchHandler<T>): Watch;
  create<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>;
  /** Replaces the object; a stale `metadata.resourceVersion` is refused with Conflict. */
  update<T extends KubeObject>(
    kind: Kind<T>,
    object: T,
    options?: WriteOptions & { subresource?: string },
  ): Promise<T>;
  patch<T extends KubeObject>(kind: Kind<T>, ref: Ref, patch: Patch, options?: PatchOptions): Promise<T>;
  /** Resolves when the deletion is accepted, which is not always when the object is gone (finalizers, grace). */
  delete(kind: Kind, ref: Ref, options?: DeleteOptions): Promise<void>;
  deleteCollection(kind: Kind, options: ListOptions & DeleteOptions): Promise<void>;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  /** The text form: `app=web,tier in (a,b)`. */
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
}

export interface WatchOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion: string;
}

export type WatchEvent<T extends KubeObject> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  | { type: "BOOKMARK"; resourceVersion: string };

export interface WatchHandler<T extends KubeObject> {
  event(event: WatchEvent<T>): void;
  close(reason?: Error): void;
}

export interface Watch {
  /** Ends the watch; neither `event` nor `close` is called afterwards. */
  stop(): void;
}

export interface WriteOptions {
  fieldManager?: string;
}

export type Patch =
  | { type: "json"; operations: JsonPatchOperation[] }
  | { type: "merge"; body: unknown }
  | { type: "strategic"; body: unknown }
  /** Server-side apply; `fieldManager` is required with it. */
  | { type: "apply"; body: unknown };

export interface JsonPatchOperation {
  op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  path: string;
  from?: string;
  value?: unknown;
}

export interface PatchOptions extends WriteOptions {
  subresource?: string;
  /** Server-side apply takes fields over from other managers. */
  force?: boolean;
}

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  preconditions?: { uid?: string; resourceVersion?: string };
}

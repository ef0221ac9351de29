import type { KubeObject } from "@tracegate/kube";
import { StatusError } from "@tracegate/kube";
import { type Change, CompactedError, type StopWatch, type Store } from "@tracegate/store";
import { asVersion } from "./conversion.ts";
import {
  isSelected,
  listObjects,
  parseRevision,
  parseSelection,
  prefixFor,
  type Selection,
  storedObject,
  unparsable,
} from "./reading.ts";
import { expired } from "./refusals.ts";
import { apiVersionOfResource, type ServedKind } from "./served-kinds.ts";

export interface WatchQuery {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Absent, "" or "0": every current object comes first, as ADDED. */
  readonly resourceVersion?: string;
}

export interface ObjectChange {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
}

export interface WatchStart {
  /** Current objects, where the watch starts from now. */
  readonly initial: readonly KubeObject[];
  /** The revision that `initial` shows. */
  readonly revision: number;
  readonly stop: StopWatch;
}

/**
 * Watches objects of a kind. `listener` gets every change after the start, in order, from microtasks. Throws an Expired
 * `StatusError` when history does not reach back to the wanted revision.
 */
export function watchObjects(
  store: Store,
  served: ServedKind,
  query: WatchQuery,
  listener: (change: ObjectChange) => void,
): WatchStart {
  const selection = parseSelection(served, query);
  const { resourceVersion } = query;
  const fromNow = resourceVersion === undefined || resourceVersion === "" || resourceVersion === "0";
  const revision = fromNow ? store.revision : parseRevision(resourceVersion);
  if (revision === undefined) {
    throw new StatusError({ message: unparsable(resourceVersion ?? ""), code: 500 });
  }
  const { namespace, labelSelector, fieldSelector } = query;
  const initial = fromNow
    ? listObjects(store, served, {
        ...(namespace === undefined ? {} : { namespace }),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      }).items
    : [];
  const stop = startAt(store, prefixFor(served, namespace), revision, (change) => {
    const seen = toObjectChange(served, selection, change);
    if (seen !== undefined) listener(seen);
  });
  return { initial, revision, stop };
}

function startAt(
  store: Store,
  prefix: string,
  revision: number,
  listener: (change: Change) => void,
): StopWatch {
  // A revision of the future comes from another store (this one began afresh): the client has to list again.
  if (revision > store.revision) throw tooOld(revision, store.compactedRevision);
  try {
    return store.watch(prefix, revision, listener);
  } catch (error) {
    if (error instanceof CompactedError) throw tooOld(error.wanted, error.compacted);
    throw error;
  }
}

const tooOld = (wanted: number, kept: number): StatusError =>
  expired(`too old resource version: ${wanted} (${kept})`);

/** What the change is to someone who sees only selected objects. */
function toObjectChange(served: ServedKind, selection: Selection, change: Change): ObjectChange | undefined {
  const apiVersion = apiVersionOfResource(served);
  const object = asVersion(storedObject(change.value), apiVersion);
  const previous =
    change.previous === undefined ? undefined : asVersion(storedObject(change.previous), apiVersion);
  const before = previous !== undefined && isSelected(served, selection, previous);
  const now = !change.deleted && isSelected(served, selection, object);
  if (now) return { type: before ? "MODIFIED" : "ADDED", object };
  if (!before) return undefined;
  if (change.deleted) return { type: "DELETED", object };
  // Left the selection: its last selected state, at the revision of the change.
  const metadata = { ...previous.metadata, resourceVersion: String(change.revision) };
  return { type: "DELETED", object: { ...previous, metadata } };
}

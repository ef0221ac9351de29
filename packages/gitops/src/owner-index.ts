import type { WatchSource } from "@tracegate/controller-runtime";
import type { Kind, KubeObject, Ref } from "@tracegate/kube";
import { trackedBy } from "./compare/tracking.ts";

/** Which Application an object concerns: by its mark, else by the last known owner. */
export class OwnerIndex {
  readonly #applications = new Map<string, { ref: Ref; uids: ReadonlySet<string> }>();
  readonly #byUid = new Map<string, Ref>();
  readonly #byName = new Map<string, Ref>();

  set(key: string, ref: Ref, uids: ReadonlySet<string>): void {
    this.delete(key);
    const own: Ref =
      ref.namespace === undefined ? { name: ref.name } : { namespace: ref.namespace, name: ref.name };
    this.#applications.set(key, { ref: own, uids });
    this.#byName.set(own.name, own);
    for (const uid of uids) this.#byUid.set(uid, own);
  }

  delete(key: string): void {
    const known = this.#applications.get(key);
    if (known === undefined) return;
    this.#applications.delete(key);
    this.#byName.delete(known.ref.name);
    for (const uid of known.uids) if (this.#byUid.get(uid) === known.ref) this.#byUid.delete(uid);
  }

  /** Tells `concerned` of each Application that a change of an object of the kind concerns. */
  watch(kind: Kind, concerned: (ref: Ref) => void): WatchSource {
    return {
      kind,
      map: ({ metadata }: KubeObject) => {
        const refs = new Set<Ref>();
        const marked = this.#byName.get(trackedBy(metadata) ?? "");
        if (marked !== undefined) refs.add(marked);
        for (const uid of [metadata.uid, ...(metadata.ownerReferences ?? []).map((owner) => owner.uid)]) {
          const ref = uid === undefined ? undefined : this.#byUid.get(uid);
          if (ref !== undefined) refs.add(ref);
        }
        for (const ref of refs) concerned(ref);
        return [...refs];
      },
    };
  }
}

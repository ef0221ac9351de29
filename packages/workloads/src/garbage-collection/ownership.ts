import type { Kind, KubeObject, OwnerReference, Ref } from "@tracegate/kube";

/** What the collector remembers of an object. */
export interface Node {
  readonly kind: Kind;
  readonly ref: Ref;
  readonly uid: string;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly isDeleting: boolean;
}

export function nodeOf(kind: Kind, { metadata }: KubeObject): Node {
  const { name, namespace, uid = "", ownerReferences = [], finalizers = [], deletionTimestamp } = metadata;
  const ref = { ...(namespace !== undefined && { namespace }), name };
  return {
    kind,
    ref,
    uid,
    owners: ownerReferences,
    finalizers,
    isDeleting: deletionTimestamp !== undefined,
  };
}

export const waitsForDependents = (node: Node): boolean =>
  node.isDeleting && node.finalizers.includes("foregroundDeletion");

export const orphansDependents = (node: Node): boolean =>
  node.isDeleting && node.finalizers.includes("orphan");

/** Who owns whom, as far as it was watched: by uid, owners that are not (or no more) there included. */
export class Ownership {
  readonly #nodes = new Map<string, Node>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): Node | undefined {
    return this.#nodes.get(uid);
  }

  dependentsOf(uid: string): readonly Node[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  set(node: Node): void {
    this.remove(node.uid);
    this.#nodes.set(node.uid, node);
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid) ?? new Set();
      this.#dependents.set(uid, dependents.add(node.uid));
    }
  }

  remove(uid: string): void {
    for (const owner of this.#nodes.get(uid)?.owners ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
    this.#nodes.delete(uid);
  }
}

/** How one owner of an object stands. `unknown`: its kind is not served, so nothing can be said. */
export type OwnerState = "alive" | "waiting" | "gone" | "unknown";

export type Decision =
  | { readonly do: "keep" }
  /** Some owners are gone while another lives: only the references to these go. */
  | { readonly do: "drop-owners"; readonly uids: readonly string[] }
  | { readonly do: "delete"; readonly propagationPolicy: "Background" | "Foreground" | "Orphan" };

/** What becomes of an object whose owners stand as told (kube-controller-manager's `attemptToDeleteItem`). */
export function decide(
  node: Node,
  owners: readonly { readonly uid: string; readonly state: OwnerState }[],
  hasDependents: boolean,
): Decision {
  if (node.isDeleting || owners.length === 0) return { do: "keep" };
  const inState = (state: OwnerState) => owners.filter((owner) => owner.state === state);
  if (inState("unknown").length > 0) return { do: "keep" };
  const waiting = inState("waiting");
  if (inState("alive").length > 0) {
    const uids = [...inState("gone"), ...waiting].map(({ uid }) => uid);
    return uids.length === 0 ? { do: "keep" } : { do: "drop-owners", uids };
  }
  // The owner waits until its dependents are gone, so these in turn wait for theirs.
  if (waiting.length > 0 && hasDependents) return { do: "delete", propagationPolicy: "Foreground" };
  if (node.finalizers.includes("orphan")) return { do: "delete", propagationPolicy: "Orphan" };
  if (node.finalizers.includes("foregroundDeletion")) {
    return { do: "delete", propagationPolicy: "Foreground" };
  }
  return { do: "delete", propagationPolicy: "Background" };
}

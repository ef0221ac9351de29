import {
  isInvalid,
  isNotFound,
  type Kind,
  type KubeObject,
  type LabelSelector,
  matchesLabelSelector,
  type ResourceClient,
} from "@tracegate/kube";
import { controllerReference } from "./from-template.ts";

/** What a controller's owner does about objects that might be its own. */
export interface Claims<T extends KubeObject> {
  /** Controlled by the owner and selected. */
  readonly owned: readonly T[];
  /** Controlled by nobody and selected: taken over. */
  readonly adopt: readonly T[];
  /** Controlled by the owner but selected no more: let go. */
  readonly release: readonly T[];
}

/** Sorts candidates of the owner's namespace; one that is being deleted takes nothing more over. */
export function claims<T extends KubeObject>(
  owner: KubeObject,
  selector: LabelSelector,
  candidates: readonly T[],
): Claims<T> {
  const [owned, adopt, release]: [T[], T[], T[]] = [[], [], []];
  const ending = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const { ownerReferences, deletionTimestamp, labels } = object.metadata;
    const controller = ownerReferences?.find((reference) => reference.controller === true);
    const selected = matchesLabelSelector(selector, labels);
    if (controller?.uid === owner.metadata.uid && controller !== undefined) {
      if (selected) owned.push(object);
      else if (!ending) release.push(object);
    } else if (controller === undefined && selected && !ending && deletionTimestamp === undefined) {
      adopt.push(object);
    }
  }
  return { owned, adopt, release };
}

/** Carries the claims out and answers what is the owner's now. */
export async function claimed<T extends KubeObject>(
  client: ResourceClient,
  kind: Kind<T>,
  ownerKind: Kind,
  owner: KubeObject,
  { owned, adopt, release }: Claims<T>,
): Promise<readonly T[]> {
  for (const object of release) {
    const ownerReferences = object.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid);
    await rewriteOwners(client, kind, object, ownerReferences);
  }
  const adopted: T[] = [];
  for (const object of adopt) {
    const ownerReferences = [
      ...(object.metadata.ownerReferences ?? []),
      controllerReference(ownerKind, owner),
    ];
    const result = await rewriteOwners(client, kind, object, ownerReferences);
    if (result !== undefined) adopted.push(result);
  }
  return [...owned, ...adopted];
}

/** Undefined when the object is gone, or was replaced by another of its name. */
async function rewriteOwners<T extends KubeObject>(
  client: ResourceClient,
  kind: Kind<T>,
  { metadata: { name, namespace, uid } }: T,
  ownerReferences: KubeObject["metadata"]["ownerReferences"],
): Promise<T | undefined> {
  const ref = { name, ...(namespace !== undefined && { namespace }) };
  try {
    return await client.patch(kind, ref, {
      type: "merge",
      body: { metadata: { uid, ownerReferences: ownerReferences?.length ? ownerReferences : null } },
    });
  } catch (error) {
    if (isNotFound(error) || isInvalid(error)) return undefined;
    throw error;
  }
}

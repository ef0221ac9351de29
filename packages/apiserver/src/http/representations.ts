import type { KubeList, KubeObject } from "@tracegate/kube";
import type { ServedKind } from "../core/served-kinds.ts";
import { notAcceptable, type Offer, type Representation } from "./negotiation.ts";
import { metadataOnly } from "./partial-metadata.ts";
import { type TableWish, tableOf } from "./tables.ts";

/** The forms in which objects can be asked for. */
const FORMS = ["Table", "PartialObjectMetadata", "PartialObjectMetadataList"];

/** In what forms an object of a kind can be asked for. */
export const offerOf = ({ custom }: ServedKind, watchable = false): Offer => ({
  forms: FORMS,
  routed: custom === undefined,
  watchable,
});

export function objectAs(
  served: ServedKind,
  object: KubeObject,
  form: Representation,
  wish: TableWish,
): object {
  switch (form.as) {
    case "Table":
      return tableOf(served, [object], object.metadata.resourceVersion ?? "", form, wish);
    case "PartialObjectMetadata":
      return metadataOnly(object, form);
    case "PartialObjectMetadataList":
      throw notOfForm(served, form.as, false);
    default:
      return object;
  }
}

export function listAs(
  served: ServedKind,
  list: KubeList<KubeObject>,
  form: Representation,
  wish: TableWish,
): object {
  switch (form.as) {
    case "Table": {
      const table = tableOf(served, list.items, list.metadata.resourceVersion, form, wish);
      return { ...table, metadata: list.metadata };
    }
    case "PartialObjectMetadataList":
      return {
        kind: "PartialObjectMetadataList",
        apiVersion: `meta.k8s.io/${form.version ?? "v1"}`,
        metadata: list.metadata,
        items: list.items.map((item) => metadataOnly(item, form)),
      };
    case "PartialObjectMetadata":
      throw notOfForm(served, form.as, true);
    default: {
      const { apiVersion, kind, metadata, items } = list;
      // Lists of built-in kinds leave out what every item would repeat.
      if (served.custom === undefined) return { kind, apiVersion, metadata, items: items.map(bare) };
      // Objects without Go types write all of a list's metadata.
      return { kind, apiVersion, metadata: { continue: "", ...metadata }, items };
    }
  }
}

function notOfForm(served: ServedKind, form: string, isList: boolean) {
  const group = served.group === "" ? "core" : (served.group.split(".")[0] ?? "");
  const goType =
    served.custom === undefined
      ? `*${group}.${isList ? served.listKind : served.kind}`
      : `*unstructured.Unstructured${isList ? "List" : ""}`;
  return notAcceptable(
    `you requested ${form}, but the requested object is ${isList ? "" : "not "}a list (${goType})`,
  );
}

function bare(object: KubeObject): object {
  const { apiVersion: _, kind: __, ...rest } = object;
  return rest;
}

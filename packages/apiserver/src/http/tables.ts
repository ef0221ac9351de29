import { builtInPrinter, customPrinter, type KubeObject, type TablePrinter } from "@tracegate/kube";
import { asJson } from "../core/object-rules.ts";
import { badRequest } from "../core/refusals.ts";
import type { ServedKind } from "../core/served-kinds.ts";
import type { Representation } from "./negotiation.ts";
import { metadataOnly } from "./partial-metadata.ts";

export interface TableWish {
  /** `None`, `Metadata` (default) or `Object`: what each row carries of its object. */
  readonly includeObject: string;
  readonly now: number;
  readonly columns?: boolean;
}

/** Objects as rows, as kubectl prints them. */
export function tableOf(
  served: ServedKind,
  objects: readonly KubeObject[],
  resourceVersion: string,
  { version = "v1" }: Representation,
  wish: TableWish,
) {
  const { includeObject } = wish;
  if (!["None", "Metadata", "Object"].includes(includeObject)) {
    const allowed = "must be 'Metadata', 'Object', 'None', or empty";
    const why = `includeObject: Invalid value: ${JSON.stringify(includeObject)}: ${allowed}`;
    throw badRequest(`Unable to convert to Table as requested: ${why}`);
  }
  const printer = printerOf(served);
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: { resourceVersion },
    columnDefinitions: wish.columns === false ? null : printer.columns,
    rows:
      printer.nullWhenEmpty === true && objects.length === 0
        ? null
        : objects.map((object) => {
            const json = asJson(object);
            const conditions = printer.conditions?.(json) ?? [];
            return {
              cells: printer.cells(json, wish.now),
              ...(conditions.length === 0 ? {} : { conditions }),
              ...rowObject(object, version, wish),
            };
          }),
  };
}

const printers = new WeakMap<ServedKind, TablePrinter>();

function printerOf(served: ServedKind): TablePrinter {
  let printer = printers.get(served);
  if (printer === undefined) {
    printer = served.custom === undefined ? builtInPrinter(served) : customPrinter(served.custom.version);
    printers.set(served, printer);
  }
  return printer;
}

function rowObject(
  object: KubeObject,
  version: string,
  { includeObject }: TableWish,
): { object: object | null } {
  switch (includeObject) {
    case "None":
      return { object: null };
    case "Object":
      return { object };
    default:
      return { object: metadataOnly(object, { version }) };
  }
}

import { readFileSync } from "node:fs";

/** The tables that `scripts/generate-kinds.ts` writes, as they lie in the file. */
export interface GeneratedTables {
  readonly version: string;
  readonly groups: readonly GeneratedGroup[];
  /** Named types that are no structs: `core/v1.RestartPolicy` → `string`. */
  readonly named: Readonly<Record<string, string>>;
  readonly structs: Readonly<Record<string, GeneratedStruct>>;
}

export interface GeneratedGroup {
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly {
    readonly version: string;
    readonly resources: readonly GeneratedResource[];
  }[];
}

export interface GeneratedResource {
  /** `pods`, or `pods/status` for a subresource. */
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  /** Of the kind, where it is another than the resource's. */
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
}

export interface GeneratedStruct {
  readonly mapType?: string;
  readonly fields: readonly (GeneratedField | GeneratedInline)[];
}

export interface GeneratedField {
  readonly name: string;
  readonly type: string;
  readonly number?: number;
  readonly pointer?: boolean;
  readonly omitEmpty?: boolean;
  readonly omitZero?: boolean;
  readonly required?: boolean;
  readonly listType?: "atomic" | "set" | "map";
  readonly listKeys?: readonly string[];
  readonly mapType?: string;
  readonly patch?: string;
  readonly mergeKey?: string;
  readonly default?: unknown;
}

/** A struct whose fields stand among its holder's in JSON, but apart on the wire where it has a number. */
export interface GeneratedInline {
  readonly inline: string;
  readonly number?: number;
}

let tables: GeneratedTables | undefined;

/** The tables, read on first use: about 180 KB, a few milliseconds. */
export function generatedTables(): GeneratedTables {
  // Written by our own script and checked by its tests, so taken as typed.
  tables ??= JSON.parse(
    readFileSync(new URL("../generated/kubernetes.gen.json", import.meta.url), "utf8"),
  ) as GeneratedTables;
  return tables;
}

/** Reads Go's API types: structs with their JSON and protobuf tags, and named types. Only what `types.go` files use. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface GoPackage {
  readonly structs: Map<string, GoStruct>;
  /** Named types that are no structs: `RestartPolicy` → `string`. */
  readonly named: Map<string, string>;
}

export interface GoStruct {
  readonly fields: GoField[];
}

export interface GoField {
  readonly json: string;
  /** A Go type with package keys: `[]core/v1.Container`, `map[string]resource.Quantity`; pointers are marked apart. */
  readonly type: string;
  readonly pointer: boolean;
  readonly omitEmpty: boolean;
  /** Whether a struct that holds nothing is left out too. */
  readonly omitZero: boolean;
  readonly inline: boolean;
  readonly number?: number;
  readonly protoName?: string;
}

/** Import path → key, for the packages that types refer to. */
const PACKAGE_KEYS: readonly [RegExp, string][] = [
  [/^k8s\.io\/api\/(.+)$/, "$1"],
  [/^k8s\.io\/apimachinery\/pkg\/apis\/(meta\/v1)$/, "$1"],
  [/^k8s\.io\/apimachinery\/pkg\/(?:api|util)?\/?(resource|intstr|runtime|types)$/, "$1"],
  [/^k8s\.io\/apiextensions-apiserver\/pkg\/apis\/(apiextensions\/v1)$/, "$1"],
  [/^k8s\.io\/kube-aggregator\/pkg\/apis\/(apiregistration\/v1)$/, "$1"],
];

const BUILT_IN = new Set([
  "string",
  "bool",
  "int",
  "int32",
  "int64",
  "uint32",
  "uint64",
  "float32",
  "float64",
  "byte",
]);

export function parseGoPackage(key: string, directory: string): GoPackage {
  const structs = new Map<string, GoStruct>();
  const named = new Map<string, string>();
  for (const file of readdirSync(directory)) {
    if (!file.endsWith(".go") || file.endsWith("_test.go") || /^(zz_)?generated|\.pb\.go$/.test(file))
      continue;
    parseFile(key, readFileSync(join(directory, file), "utf8"), structs, named);
  }
  return { structs, named };
}

function parseFile(
  key: string,
  source: string,
  structs: Map<string, GoStruct>,
  named: Map<string, string>,
): void {
  const imports = parseImports(source);
  const qualify = (type: string): string => qualifyType(type, key, imports);
  for (const [, name = "", body = ""] of source.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
    const fields = body.split("\n").flatMap((line) => parseField(line, qualify));
    if (fields.length > 0) structs.set(name, { fields });
  }
  for (const [, name = ""] of source.matchAll(/^type (\w+) struct ?\{\}$/gm))
    structs.set(name, { fields: [] });
  for (const [, name = "", type = ""] of source.matchAll(
    /^type (\w+) ((?:\[\]|map\[[\w.]+\])?[\w.]+)(?:\s*\/\/.*)?$/gm,
  )) {
    if (type !== "struct" && type !== "interface") named.set(name, qualify(type));
  }
}

function parseField(line: string, qualify: (type: string) => string): GoField[] {
  const match = /^\t(?:(\w+)\s+)?([\w.*[\]]+)\s+`([^`]*)`/.exec(line);
  if (match === null) return [];
  const [, , written = "", tags = ""] = match;
  const json = /json:"([^"]*)"/.exec(tags)?.[1];
  if (json === undefined || json.startsWith("-")) return [];
  const [name = "", ...options] = json.split(",");
  const inline = options.includes("inline") || name === "";
  // TypeMeta is in every object; its two fields never travel in the message itself.
  if (inline && /(^|\.)TypeMeta$/.test(written)) return [];
  const proto = /protobuf:"([^"]*)"/.exec(tags)?.[1]?.split(",") ?? [];
  const protoName = proto.find((part) => part.startsWith("name="))?.slice(5);
  return [
    {
      json: name,
      type: qualify(written.replace(/^\*/, "")),
      pointer: written.startsWith("*"),
      omitEmpty: options.includes("omitempty") || options.includes("omitzero"),
      omitZero: options.includes("omitzero"),
      inline,
      ...(proto[1] === undefined ? {} : { number: Number(proto[1]) }),
      ...(protoName === undefined ? {} : { protoName }),
    },
  ];
}

function parseImports(source: string): Map<string, string> {
  const imports = new Map<string, string>();
  for (const [, alias, path = ""] of source.matchAll(/^(?:\t|import )(?:(\w+) )?"([^"]+)"$/gm)) {
    const key = PACKAGE_KEYS.find(([pattern]) => pattern.test(path));
    if (key === undefined) continue;
    imports.set(alias ?? path.split("/").at(-1) ?? path, path.replace(key[0], key[1]));
  }
  return imports;
}

function qualifyType(type: string, key: string, imports: Map<string, string>): string {
  const container = /^(\[\]|map\[([\w.]+)\]|\*)(.+)$/.exec(type);
  if (container !== null) {
    const [, prefix = "", , rest = ""] = container;
    const inner = qualifyType(rest, key, imports);
    return prefix === "*" ? inner : prefix === "[]" ? `[]${inner}` : `map[string]${inner}`;
  }
  if (BUILT_IN.has(type)) return type;
  const [alias, name] = type.includes(".") ? type.split(".") : [undefined, type];
  return alias === undefined ? `${key}.${name}` : `${imports.get(alias) ?? alias}.${name}`;
}

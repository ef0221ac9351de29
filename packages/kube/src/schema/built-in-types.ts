import { openApiName } from "../openapi/schema-name.ts";
import { type GeneratedField, type GeneratedStruct, generatedTables } from "./generated-tables.ts";
import type { AnyType, Field, ListType, Scalar, StructType, ValueType } from "./value-type.ts";

const cache = new Map<string, StructType>();

/** The type of a built-in kind, or undefined for a kind the tables do not hold. `DeleteOptions` exists in every group. */
export function builtInType(apiVersion: string, kind: string): StructType | undefined {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  const local = `${packageOf(group)}/${apiVersion.slice(slash + 1)}.${kind}`;
  const name = META_KINDS.has(kind) ? `meta/v1.${kind}` : local;
  return Object.hasOwn(generatedTables().structs, name) ? structType(name) : undefined;
}

/** `metadata` of every object. */
export function objectMetaType(): StructType {
  return structType("meta/v1.ObjectMeta");
}

/** A schema within a CustomResourceDefinition. */
export function jsonSchemaType(): StructType {
  return structType("apiextensions/v1.JSONSchemaProps");
}

const META_KINDS = new Set(["DeleteOptions", "CreateOptions", "UpdateOptions", "PatchOptions", "Status"]);

/** The Go package of a group's types is the first part of its name. */
function packageOf(group: string): string {
  return group === "" ? "core" : (group.split(".")[0] ?? group);
}

function structType(name: string): StructType {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const struct = generatedTables().structs[name];
  if (struct === undefined) throw new Error(`the generated tables lack ${name}`);
  let fields: ReadonlyMap<string, Field> | undefined;
  const type: StructType = {
    type: "struct",
    goType: goName(name),
    schemaName: openApiName(name),
    atomic: struct.mapType === "atomic",
    open: false,
    get fields() {
      fields ??= new Map(flatten(struct, []).map((field) => [field.name, field]));
      return fields;
    },
  };
  cache.set(name, type);
  return type;
}

/** The fields as they stand in JSON; those of inlined structs remember the wire numbers they hang below. */
function flatten(struct: GeneratedStruct, above: readonly number[]): Field[] {
  return struct.fields.flatMap((entry) => {
    if ("inline" in entry) {
      const inlined = generatedTables().structs[entry.inline];
      if (inlined === undefined) return [];
      return flatten(inlined, entry.number === undefined ? above : [...above, entry.number]);
    }
    return [fieldOf(entry, above)];
  });
}

function fieldOf(entry: GeneratedField, above: readonly number[]): Field {
  const strategies = entry.patch?.split(",") ?? [];
  return {
    name: entry.name,
    type: typeOf(entry.type, entry),
    required: entry.required ?? false,
    omitEmpty: entry.omitEmpty ?? false,
    omitZero: entry.omitZero ?? false,
    pointer: entry.pointer ?? false,
    ...(entry.default === undefined ? {} : { default: entry.default }),
    ...(strategies.includes("retainKeys") ? { retainKeys: true } : {}),
    ...(entry.number === undefined ? {} : { protoPath: [...above, entry.number] }),
  };
}

const SCALARS: Readonly<Record<string, Scalar>> = {
  string: "string",
  bool: "bool",
  int: "int64",
  int32: "int32",
  int64: "int64",
  uint32: "int32",
  float64: "float64",
  "meta/v1.Time": "time",
  "meta/v1.MicroTime": "microTime",
  "resource.Quantity": "quantity",
  "intstr.IntOrString": "intOrString",
};

const FREE: Readonly<Record<string, NonNullable<AnyType["raw"]>>> = {
  "runtime.RawExtension": "RawExtension",
  "meta/v1.FieldsV1": "FieldsV1",
  "apiextensions/v1.JSON": "JSON",
  "apiextensions/v1.JSONSchemaPropsOrBool": "JSONSchemaPropsOrBool",
  "apiextensions/v1.JSONSchemaPropsOrArray": "JSONSchemaPropsOrArray",
  "apiextensions/v1.JSONSchemaPropsOrStringArray": "JSONSchemaPropsOrStringArray",
};

/** The type that a Go type expression names; list and map markers come from the field it stands in. */
function typeOf(expression: string, field?: GeneratedField): ValueType {
  const goType = goName(expression);
  const scalar = SCALARS[expression];
  if (scalar !== undefined) return { type: "scalar", scalar, goType };
  if (expression === "[]byte") return { type: "scalar", scalar: "bytes", goType };
  if (expression.startsWith("[]")) return listOf(expression.slice(2), goType, field);
  if (expression.startsWith("map[string]")) {
    const value = typeOf(expression.slice("map[string]".length));
    return { type: "map", goType, value, atomic: field?.mapType === "atomic" };
  }
  const raw = FREE[expression];
  if (raw !== undefined) return { type: "any", goType, raw };
  const underlying = generatedTables().named[expression];
  if (underlying !== undefined) return { ...typeOf(underlying, field), goType };
  const struct = structType(expression);
  return field?.mapType === undefined ? struct : withAtomic(struct, field.mapType === "atomic");
}

function listOf(item: string, goType: string, field?: GeneratedField): ListType {
  const merges = field?.patch?.split(",").includes("merge") ?? false;
  return {
    type: "list",
    goType,
    item:
      item === "core/v1.PersistentVolumeClaim" && field !== undefined && !field.required
        ? wholeObject(item)
        : typeOf(item),
    listType: field?.listType ?? "atomic",
    keys: field?.listKeys ?? [],
    ...(merges
      ? {
          strategic: {
            ...(field?.mergeKey === undefined ? {} : { mergeKey: field.mergeKey }),
            retainKeys: field?.patch?.includes("retainKeys") ?? false,
          },
        }
      : {}),
  };
}

/** An object within another that says what it is. */
function wholeObject(name: string): StructType {
  const struct = structType(name);
  const text: ValueType = { type: "scalar", scalar: "string", goType: "string" };
  const own = ["kind", "apiVersion"].map((field): [string, Field] => [
    field,
    { name: field, type: text, required: false, omitEmpty: true, omitZero: false, pointer: false },
  ]);
  let fields: ReadonlyMap<string, Field> | undefined;
  return {
    ...struct,
    get fields() {
      fields ??= new Map([...own, ...struct.fields]);
      return fields;
    },
  };
}

/** The same struct, owned as a whole or not as this one field says. */
function withAtomic(struct: StructType, atomic: boolean): StructType {
  return {
    ...struct,
    atomic,
    get fields() {
      return struct.fields;
    },
  };
}

/** `[]core/v1.Container` → `[]v1.Container`: messages name the package by its last part. */
function goName(expression: string): string {
  return expression.replaceAll(/[\w-]+\/(?=\w+\.)/g, "").replace("[]byte", "[]uint8");
}

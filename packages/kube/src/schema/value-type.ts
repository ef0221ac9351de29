/**
 * What a value may be: one description for built-in kinds (from the generated tables) and custom resources (from their
 * structural schemas). Decoding, patches, server-side apply and OpenAPI are driven by it.
 */
export type ValueType = ScalarType | ListType | MapType | StructType | AnyType;

export interface ScalarType {
  readonly type: "scalar";
  readonly scalar: Scalar;
  /** How Go names the type in messages: `int32`, `v1.RestartPolicy`. */
  readonly goType: string;
}

export type Scalar =
  | "string"
  | "bool"
  | "int32"
  | "int64"
  | "float64"
  | "bytes"
  | "time"
  | "microTime"
  | "quantity"
  | "intOrString";

export interface ListType {
  readonly type: "list";
  readonly goType: string;
  readonly item: ValueType;
  /** How server-side apply merges the list; `map` lists are keyed by `keys`. */
  readonly listType: "atomic" | "set" | "map";
  readonly keys: readonly string[];
  /** How strategic merge patch merges it: by `mergeKey` for objects, as a set for plain values; absent: replaced whole. */
  readonly strategic?: { readonly mergeKey?: string; readonly retainKeys?: boolean };
}

export interface MapType {
  readonly type: "map";
  readonly goType: string;
  readonly value: ValueType;
  readonly atomic: boolean;
}

export interface StructType {
  readonly type: "struct";
  readonly goType: string;
  /** The name in OpenAPI documents; absent for anonymous types of a CRD. */
  readonly schemaName?: string;
  /** For server-side apply: owned and replaced as a whole. */
  readonly atomic: boolean;
  /** Read on first use: types refer to one another. */
  readonly fields: ReadonlyMap<string, Field>;
  /** Where fields that are not declared are kept. */
  readonly open: boolean;
}

/** A value without a declared form: any JSON, or a JSON object (RawExtension, FieldsV1). */
export interface AnyType {
  readonly type: "any";
  readonly goType: string;
  /** Which Go type of free JSON it is; it decides the protobuf form. */
  readonly raw?:
    | "RawExtension"
    | "FieldsV1"
    | "JSON"
    | "JSONSchemaPropsOrBool"
    | "JSONSchemaPropsOrArray"
    | "JSONSchemaPropsOrStringArray";
}

export interface Field {
  readonly name: string;
  readonly type: ValueType;
  readonly required: boolean;
  /** Whether the zero value is left out when written. An empty struct is not a zero value to Go. */
  readonly omitEmpty: boolean;
  /** Whether an empty struct is left out too. */
  readonly omitZero: boolean;
  /** Whether absence differs from the zero value. */
  readonly pointer: boolean;
  readonly default?: unknown;
  /** `retainKeys` of strategic merge patch, on fields that hold one object. */
  readonly retainKeys?: boolean;
  /** Where the field lies on the wire: its number, after the numbers of the messages it is inlined from. */
  readonly protoPath?: readonly number[];
}

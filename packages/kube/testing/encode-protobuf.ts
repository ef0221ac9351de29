/** Writes objects of built-in kinds as Go clients send them: for tests of decoding, and of servers that decode. */
import {
  builtInType,
  isObject,
  type JsonObject,
  parseTime,
  type StructType,
  type ValueType,
} from "../src/index.ts";

/** The body of a request: envelope and object. The object should be in its typed form (`decodeTyped`). */
export function encodeProtobufBody(apiVersion: string, kind: string, object: JsonObject): Uint8Array {
  const type = builtInType(apiVersion, kind);
  if (type === undefined) throw new Error(`no built-in kind ${apiVersion} ${kind}`);
  const typeMeta = [...bytesField(1, utf8(apiVersion)), ...bytesField(2, utf8(kind))];
  const unknown = [
    ...bytesField(1, typeMeta),
    ...bytesField(2, encodeMessage(type, object)),
    ...bytesField(3, []),
    ...bytesField(4, []),
  ];
  return Uint8Array.from([0x6b, 0x38, 0x73, 0x00, ...unknown]);
}

function encodeMessage(type: StructType, object: JsonObject): number[] {
  const inlined = new Map<number, number[]>();
  const own: number[] = [];
  for (const field of type.fields.values()) {
    const value = object[field.name];
    const path = field.protoPath ?? [];
    const number = path.at(-1);
    if (number === undefined || value === undefined || value === null) continue;
    let encoded = encodeField(number, field.type, value);
    // Inlined messages are merged when they come in several parts, as protobuf says.
    for (const above of path.slice(1, -1).reverse()) encoded = bytesField(above, encoded);
    const holder = path.length > 1 ? path[0] : undefined;
    if (holder === undefined) own.push(...encoded);
    else inlined.set(holder, [...(inlined.get(holder) ?? []), ...encoded]);
  }
  for (const [number, bytes] of inlined) own.push(...bytesField(number, bytes));
  return own;
}

function encodeField(number: number, type: ValueType, value: unknown): number[] {
  if (type.type === "list" && Array.isArray(value))
    return value.flatMap((item) => encodeSingle(number, type.item, item));
  if (type.type === "map" && isObject(value)) {
    return Object.entries(value).flatMap(([key, member]) => {
      const items =
        type.value.type === "list" ? bytesField(2, encodeField(1, type.value, member)) : undefined;
      return bytesField(number, [
        ...bytesField(1, utf8(key)),
        ...(items ?? encodeSingle(2, type.value, member)),
      ]);
    });
  }
  return encodeSingle(number, type, value);
}

function encodeSingle(number: number, type: ValueType, value: unknown): number[] {
  if (type.type === "struct") return bytesField(number, encodeMessage(type, isObject(value) ? value : {}));
  if (type.type === "any") return bytesField(number, encodeFree(type.raw, value));
  if (type.type !== "scalar") throw new Error(`cannot encode ${type.goType}`);
  switch (type.scalar) {
    case "bool":
      return varintField(number, value === true ? 1 : 0);
    case "int32":
    case "int64":
      return varintField(number, Number(value));
    case "float64": {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setFloat64(0, Number(value), true);
      return [...tag(number, 1), ...bytes];
    }
    case "bytes":
      return bytesField(number, [...Buffer.from(String(value), "base64")]);
    case "time":
    case "microTime":
      return bytesField(number, encodeTimestamp(String(value)));
    case "quantity":
      return bytesField(number, bytesField(1, utf8(String(value))));
    case "intOrString":
      return bytesField(
        number,
        typeof value === "number"
          ? [...varintField(1, 0), ...varintField(2, value), ...bytesField(3, [])]
          : [...varintField(1, 1), ...varintField(2, 0), ...bytesField(3, utf8(String(value)))],
      );
    case "string":
      return bytesField(number, utf8(String(value)));
  }
}

function encodeFree(raw: string | undefined, value: unknown): number[] {
  const schemaType = builtInType("apiextensions.k8s.io/v1", "JSONSchemaProps");
  const schema = (number: number, item: unknown) =>
    schemaType !== undefined && isObject(item) ? bytesField(number, encodeMessage(schemaType, item)) : [];
  if (raw === "JSONSchemaPropsOrBool")
    return isObject(value) ? schema(2, value) : varintField(1, value === true ? 1 : 0);
  if (raw === "JSONSchemaPropsOrArray") {
    return Array.isArray(value) ? value.flatMap((item) => schema(2, item)) : schema(1, value);
  }
  if (raw === "JSONSchemaPropsOrStringArray") {
    return Array.isArray(value)
      ? value.flatMap((item) => bytesField(2, utf8(String(item))))
      : schema(1, value);
  }
  return bytesField(1, utf8(JSON.stringify(value)));
}

function encodeTimestamp(text: string): number[] {
  const seconds = Math.floor((parseTime(text) ?? 0) / 1000);
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  return [...varintField(1, seconds), ...varintField(2, Number(fraction.padEnd(9, "0")))];
}

const utf8 = (value: string): number[] => [...new TextEncoder().encode(value)];
const tag = (number: number, wireType: number): number[] => varint(BigInt(number * 8 + wireType));
const varintField = (number: number, value: number): number[] => [
  ...tag(number, 0),
  ...varint(BigInt(value)),
];
const bytesField = (number: number, bytes: readonly number[]): number[] => [
  ...tag(number, 2),
  ...varint(BigInt(bytes.length)),
  ...bytes,
];

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

/** The little of Protocol Buffers that podinfo's messages need: texts, lists of texts, numbers and messages, by field number. */

export type Value = string | number | bigint | readonly string[] | Buffer;

/** proto3: what is empty or 0 is not written. */
export function encode(fields: Readonly<Record<number, Value>>): Buffer {
  const parts: Buffer[] = [];
  for (const [field, value] of Object.entries(fields)) {
    if (typeof value === "number" || typeof value === "bigint") {
      if (BigInt(value) !== 0n)
        parts.push(varint(BigInt(field) << 3n), varint(BigInt.asUintN(64, BigInt(value))));
      continue;
    }
    const texts = Array.isArray(value) ? value : value.length > 0 ? [value] : [];
    for (const text of texts) {
      const bytes = typeof text === "string" ? Buffer.from(text) : text;
      parts.push(varint((BigInt(field) << 3n) | 2n), varint(BigInt(bytes.length)), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** Texts as bytes, numbers as int64; the last of a field wins. @throws RangeError where the message is cut off. */
export function decode(message: Buffer): ReadonlyMap<number, Buffer | bigint> {
  const fields = new Map<number, Buffer | bigint>();
  let at = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number of more than ten bytes");
  };
  const readBytes = (length: number): Buffer => {
    if (length > message.length - at) throw new RangeError("a field is cut off");
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = readVarint();
    const [field, type] = [Number(tag >> 3n), Number(tag & 7n)];
    if (type === 0) fields.set(field, BigInt.asIntN(64, readVarint()));
    else if (type === 2) fields.set(field, readBytes(Number(readVarint())));
    else if (type === 1 || type === 5) readBytes(type === 1 ? 8 : 4);
    else throw new RangeError(`fields of type ${type} are not known`);
  }
  return fields;
}

export function textOf(value: Buffer | bigint | undefined): string {
  return Buffer.isBuffer(value) ? value.toString() : "";
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

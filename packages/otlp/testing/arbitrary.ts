import fc from "fast-check";
import type { FieldSpec, MessageSpec } from "../src/messages.ts";
import { anyValue, REQUESTS } from "../src/messages.ts";
import type { Signal, SignalData } from "../src/model.ts";
import { messageOf } from "../src/protobuf.ts";

/** Any model of a signal's export request, made from the same table that the codecs read. */
export function arbitraryRequest<S extends Signal>(signal: S): fc.Arbitrary<SignalData[S]> {
  // The table of messages describes exactly the interfaces of the model.
  return arbitraryMessage(REQUESTS[signal], 5) as unknown as fc.Arbitrary<SignalData[S]>;
}

function arbitraryMessage(spec: MessageSpec, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const oneofs = spec.fields.filter((f) => f.oneof !== undefined);
  const others = spec.fields.filter((f) => f.oneof === undefined);
  const plain = fc.tuple(...others.map((f) => field(f, depth).map((v) => [f.name, v] as const)));
  const one = oneofs.filter((f) => depth > 0 || f.type !== "message");
  const chosen =
    one.length === 0
      ? fc.constant([])
      : fc.oneof(
          fc.constant([]),
          ...one.map((f) => field({ ...f, optional: false }, depth).map((v) => [[f.name, v] as const])),
        );
  return fc
    .tuple(plain, chosen)
    .map(([a, b]) => Object.fromEntries([...a, ...b].filter(([, value]) => value !== undefined)));
}

function field(spec: FieldSpec, depth: number): fc.Arbitrary<unknown> {
  const value = bare(spec, depth);
  return spec.optional === true ? fc.option(value, { nil: undefined }) : value;
}

function bare(spec: FieldSpec, depth: number): fc.Arbitrary<unknown> {
  switch (spec.type) {
    case "string":
      return fc.string({ unit: "grapheme", maxLength: 20 });
    case "traceId":
      return id(32);
    case "spanId":
      return id(16);
    case "bytes":
      return fc.uint8Array({ maxLength: 20 });
    case "bool":
      return fc.boolean();
    case "enum":
      return fc.nat({ max: (spec.names?.length ?? 4) - 1 });
    case "uint32":
    case "fixed32":
      return fc.nat({ max: 0xffffffff });
    case "sint32":
      return fc.integer();
    case "int64":
    case "sfixed64":
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case "fixed64":
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case "count64":
      return fc.nat({ max: Number.MAX_SAFE_INTEGER });
    case "double":
      return double();
    case "counts":
    case "varints":
      return fc.array(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { maxLength: 5 });
    case "doubles":
      return fc.array(double(), { maxLength: 5 });
    case "message":
      return arbitraryMessage(messageOf(spec), depth - 1);
    case "messages": {
      const message = messageOf(spec);
      const deepest = depth <= 0 || (message === anyValue && depth <= 1);
      return fc.array(arbitraryMessage(message, depth - 1), { maxLength: deepest ? 0 : 3 });
    }
  }
}

/** Minus zero has no place in JSON. */
function double(): fc.Arbitrary<number> {
  return fc.double().map((n) => (Object.is(n, -0) ? 0 : n));
}

function id(length: number): fc.Arbitrary<string> {
  const hex = fc.string({
    unit: fc.constantFrom(..."0123456789abcdef"),
    minLength: length,
    maxLength: length,
  });
  return fc.oneof(
    fc.constant(""),
    hex.filter((s) => !/^0+$/.test(s)),
  );
}

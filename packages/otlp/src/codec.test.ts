import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { arbitraryRequest } from "../testing/arbitrary.ts";
import { decodeJson, encodeJson } from "./json.ts";
import { Payload } from "./payload.ts";
import { WireError } from "./proto-reader.ts";
import { decodeProto, encodeProto } from "./protobuf.ts";
import { checkProto } from "./wire-check.ts";

const SIGNALS = ["traces", "metrics", "logs"] as const;

for (const signal of SIGNALS) {
  describe(`${signal}`, () => {
    test("decode undoes encode, in protobuf and in JSON", () => {
      fc.assert(
        fc.property(arbitraryRequest(signal), (request) => {
          assert.deepEqual(decodeProto(signal, encodeProto(signal, request)), request);
          assert.deepEqual(decodeJson(signal, encodeJson(signal, request)), request);
        }),
        { numRuns: 200 },
      );
    });

    test("the wire check passes what decode passes, and counts the same items", () => {
      fc.assert(
        fc.property(arbitraryRequest(signal), (request) => {
          const bytes = encodeProto(signal, request);
          assert.equal(checkProto(signal, bytes), Payload.fromModel(signal, request).items);
        }),
        { numRuns: 100 },
      );
    });

    test("garbage is refused with a WireError by check and decode alike, never with anything else", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 64 }), (garbage) => {
          assert.equal(
            outcome(() => checkProto(signal, garbage)),
            outcome(() => decodeProto(signal, garbage)),
          );
        }),
        { numRuns: 2000 },
      );
    });

    test("a request with damaged bytes is refused with a WireError or read as something else", () => {
      fc.assert(
        fc.property(arbitraryRequest(signal), fc.nat(), fc.nat({ max: 255 }), (request, at, byte) => {
          const bytes = encodeProto(signal, request);
          if (bytes.length === 0) return;
          bytes[at % bytes.length] = byte;
          assert.equal(
            outcome(() => checkProto(signal, bytes)),
            outcome(() => decodeProto(signal, bytes)),
          );
        }),
        { numRuns: 500 },
      );
    });
  });
}

/** Whether it went well. Anything but a WireError is a defect and comes through. */
function outcome(action: () => unknown): "read" | "refused" {
  try {
    action();
    return "read";
  } catch (error) {
    if (error instanceof WireError) return "refused";
    throw error;
  }
}

test("a body nested thousands of levels deep is refused", () => {
  const nested = nestedArrays(20_001);
  assert.equal(
    outcome(() => checkProto("logs", nested)),
    "refused",
  );
  assert.equal(
    outcome(() => decodeProto("logs", nested)),
    "refused",
  );
});

/** A log record whose body is an array in an array in an array …, `levels` (an odd number) deep. */
function nestedArrays(levels: number): Buffer {
  let inner: Buffer = Buffer.alloc(0);
  for (let i = 0; i < levels; i++) inner = field(i % 2 === 0 ? 5 : 1, inner);
  const record = field(5, inner);
  return field(1, field(2, field(2, record)));
}

function field(number: number, content: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest % 128) | 0x80);
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content]);
}

test("JSON may spell keys in snake_case, enums by name, and 64-bit integers as numbers", () => {
  const request = decodeJson(
    "traces",
    '{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"0A1F089C8BCAD45F17DD5D6F9CA6B96B",' +
      '"kind":"SPAN_KIND_SERVER","start_time_unix_nano":5,"status":{"code":"STATUS_CODE_ERROR"},"unknown":1,' +
      '"attributes":[{"key":"n","value":{"int_value":7}}],"events":null}]}]}]}',
  );
  const span = request.resourceSpans[0]?.scopeSpans[0]?.spans[0];
  assert.equal(span?.traceId, "0a1f089c8bcad45f17dd5d6f9ca6b96b");
  assert.equal(span?.kind, 2);
  assert.equal(span?.startTimeUnixNano, 5n);
  assert.equal(span?.status.code, 2);
  assert.deepEqual(span?.attributes, [{ key: "n", value: { intValue: 7n } }]);
});

test("JSON that is not a request says where it is wrong", () => {
  const span = (fields: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[{${fields}}]}]}]}`;
  const at = "resourceSpans[0].scopeSpans[0].spans[0]";
  const cases: readonly (readonly [string, string])[] = [
    [span('"traceId":"abc"'), `${at}.traceId: expected 32 hex digits, got "abc"`],
    [span('"name":5'), `${at}.name: expected a string, got number`],
    [span('"startTimeUnixNano":"soon"'), `${at}.startTimeUnixNano: expected an integer, got string`],
    ["[]", "request: expected an object, got a list"],
  ];
  for (const [text, message] of cases)
    assert.throws(() => decodeJson("traces", text), { name: "JsonError", message });
  assert.throws(() => decodeJson("traces", "{"), { name: "JsonError" });
});

test("HotROD's recorded requests come back as they were", () => {
  const file = new URL("../../../tests/recordings/hotrod/spans.jsonl", import.meta.url);
  for (const line of readFileSync(file, "utf8").trim().split("\n")) {
    const request = decodeJson("traces", line);
    assert.deepEqual(JSON.parse(encodeJson("traces", request)), JSON.parse(line));
    assert.deepEqual(decodeProto("traces", encodeProto("traces", request)), request);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arbitraryRequest } from "../testing/arbitrary.ts";
import { anyValue } from "./messages.ts";
import type { AnyValue, TracesData } from "./model.ts";
import { decodeMessage, encodeProto } from "./protobuf.ts";
import type { SpanVisitor } from "./span-walker.ts";
import { SpanWalker } from "./span-walker.ts";

interface Seen {
  readonly name: string;
  readonly kind: number;
  readonly status: number;
  readonly nanos: number;
  readonly values: readonly (AnyValue | undefined)[];
  readonly events: number;
}

const KEYS = ["a", "bb", ""];

test("the walker sees the spans that the decoder sees", () => {
  fc.assert(
    fc.property(arbitraryRequest("traces"), (request) => {
      assert.deepEqual(walked(encodeProto("traces", request)), decoded(request));
    }),
    { numRuns: 300 },
  );
});

function walked(bytes: Buffer): Seen[] {
  const seen: Seen[] = [];
  const visitor: SpanVisitor = {
    resource: () => true,
    span(view) {
      seen.push({
        name: view.bytes.toString("utf8", view.nameStart, view.nameEnd),
        kind: view.kind,
        status: view.statusCode,
        nanos: view.durationNanos,
        events: view.events.length / 2,
        values: KEYS.map((_, i) => {
          const start = view.attributeStart[i] ?? -1;
          if (start < 0) return undefined;
          return decodeMessage(anyValue, view.bytes.subarray(start, view.attributeEnd[i])) as AnyValue;
        }),
      });
    },
  };
  new SpanWalker(KEYS, true).walk(bytes, visitor);
  return seen;
}

function decoded(request: TracesData): Seen[] {
  return request.resourceSpans.flatMap((r) =>
    r.scopeSpans.flatMap((s) =>
      s.spans.map((span) => ({
        name: span.name,
        kind: span.kind,
        status: span.status.code,
        nanos: Math.max(0, Number(span.endTimeUnixNano - span.startTimeUnixNano)),
        events: span.events.length,
        // Protobuf leaves an empty key out, so the walker has nothing to compare: such attributes are not found.
        values: KEYS.map((key) =>
          key === "" ? undefined : span.attributes.find((a) => a.key === key)?.value,
        ),
      })),
    ),
  );
}

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Payload, TracesData } from "@tracegate/otlp";
import { decodeJson, Payload as Payloads } from "@tracegate/otlp";
import fc from "fast-check";
import { keptContext, ManualClock } from "../../testing/index.ts";
import { compileCondition } from "../ottl/condition.ts";
import { filterProcessor } from "./filter.ts";

const paths = { name: false, n: false, attributes: true };
const item: Readonly<Record<string, string | number>> = { name: "GET /", n: 5, "attributes.k": "v" };
const holds = (source: string) =>
  compileCondition<typeof item>(
    source,
    paths,
    (one, path, key) => one[key === undefined ? path : `${path}.${key}`],
  )(item);

test("conditions mean what OTTL means by them", () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['name == "GET /"', true],
    ['name != "GET /"', false],
    ["n > 4 and n <= 5", true],
    ["n == 5.0", true],
    ['n == "5"', false],
    ['attributes["k"] == "v"', true],
    ['attributes["missing"] == nil', true],
    ['attributes["missing"] < 5', false],
    ["n == 1 or n == 2 or n == 5", true],
    ["not (n == 5)", false],
    ["not n == 5 or true", true],
    ['IsMatch(name, "^GET ")', true],
    ["n == SPAN_KIND_CONSUMER", true],
  ];
  for (const [source, expected] of cases) assert.equal(holds(source), expected, source);
});

test("a condition that cannot be read says where", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["name ==", /1:8: unexpected end of condition/],
    ["name == 5 5", /1:11: unexpected token "5"/],
    ["nome == 5", /unknown path "nome" \(known: name, n, attributes\)/],
    ["name = 5", /1:5: invalid input text " = 5"|1:6/],
  ];
  for (const [source, message] of cases) assert.throws(() => holds(source), { message });
});

test("no text makes the compiler fail otherwise than with an error", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'name n()[]"=<>!andor5. '.split("")), maxLength: 30 }),
      (source) => {
        try {
          holds(source);
        } catch (error) {
          assert.ok(error instanceof Error && error.constructor === Error, String(error));
        }
      },
    ),
  );
});

describe("the filter processor", () => {
  test("drops spans that satisfy any condition, and resources that are empty after that", async () => {
    const kept: Payload[] = [];
    const config = filterProcessor.config.read(
      {
        traces: {
          span: ['attributes["http.route"] == "/healthz"', 'resource.attributes["service.name"] == "noise"'],
        },
      },
      "",
      [],
    );
    const filter = filterProcessor.create(
      config,
      keptContext(new ManualClock()),
      { consume: async (payload) => void kept.push(payload) },
      "traces",
    );
    const resource = (service: string, ...routes: string[]) => ({
      resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
      scopeSpans: [
        {
          spans: routes.map((route) => ({
            name: route,
            attributes: [{ key: "http.route", value: { stringValue: route } }],
          })),
        },
      ],
    });
    const request = {
      resourceSpans: [resource("a", "/", "/healthz"), resource("noise", "/"), resource("b", "/healthz")],
    };
    await filter.consume(Payloads.fromModel("traces", decodeJson("traces", JSON.stringify(request))));
    const [left] = kept.map((p) => p.model() as TracesData);
    assert.deepEqual(
      left?.resourceSpans.map((r) => r.scopeSpans.map((s) => s.spans.map((x) => x.name))),
      [[["/"]]],
    );
    await filter.consume(Payloads.fromModel("traces", { resourceSpans: [] }));
    assert.equal(kept.length, 1);
  });
});

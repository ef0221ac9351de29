import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJson, stringAttribute } from "@tracegate/otlp";
import { compileMatch, matchSettings } from "./match.ts";

const [resourceSpans] = decodeJson(
  "traces",
  '{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"lib","version":"1.2"},"spans":[{"name":"GET /","kind":2}]}]}]}',
).resourceSpans;
const [scopeSpans] = resourceSpans?.scopeSpans ?? [];

function matches(settings: object): boolean {
  if (resourceSpans === undefined || scopeSpans?.spans[0] === undefined)
    throw new Error("the sketch has no span");
  const span = { ...scopeSpans.spans[0], attributes: [stringAttribute("http.route", "/")] };
  const resource = { ...resourceSpans.resource, attributes: [stringAttribute("service.name", "shop")] };
  const match = compileMatch(matchSettings.read({ match_type: "strict", ...settings }, "", []));
  return match({ resource, scope: scopeSpans.scope, span });
}

test("lists are OR-ed inside and AND-ed with each other", () => {
  const cases: readonly (readonly [object, boolean])[] = [
    [{ services: ["other", "shop"] }, true],
    [{ services: ["shop"], span_names: ["POST /"] }, false],
    [{ services: ["shop"], span_names: ["GET /"], span_kinds: ["SPAN_KIND_SERVER"] }, true],
    [{ match_type: "regexp", span_names: ["^GET"] }, true],
    [{ match_type: "strict", span_names: ["^GET"] }, false],
    [{ attributes: [{ key: "http.route" }] }, true],
    [{ attributes: [{ key: "http.route", value: "/x" }] }, false],
    [{ resources: [{ key: "service.name", value: "shop" }] }, true],
    [{ libraries: [{ name: "lib", version: "1.2" }] }, true],
    [{ libraries: [{ name: "lib", version: "2" }] }, false],
    [{ log_bodies: ["x"] }, false],
  ];
  for (const [settings, expected] of cases)
    assert.equal(matches(settings), expected, JSON.stringify(settings));
});

test("settings that say nothing are refused", () => {
  assert.throws(() => matches({}), { message: /At least one of "services"/ });
  assert.throws(() => matches({ match_type: "glob", services: ["x"] }), {
    message: /match_type "glob" must be one of/,
  });
});

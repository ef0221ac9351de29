import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedRequests } from "../../testing/index.ts";
import { withBuiltInDefaults } from "../defaults/built-in-defaults.ts";
import { prepareForCreate } from "../defaults/creation.ts";
import { isObject, type JsonObject, objectAt } from "../json.ts";
import { applyMergePatch } from "../patch/merge-patch.ts";
import { builtInGroupVersions } from "../schema/built-in-resources.ts";
import { builtInType } from "../schema/built-in-types.ts";
import { decodeBuiltInBody, readJsonBody, strictDecodingError } from "../schema/decode-body.ts";
import { StatusError } from "../status.ts";
import { builtInErrors } from "./built-in.ts";
import { invalidStatus } from "./field-error.ts";

/** Refused by allocators and by namespaces, which know more than the object. */
const ELSEWHERE =
  /nodeport-range|nodeport-taken|in-missing-namespace|namespace-mismatch|too-large|media-type|data-too-long/;

const creations = recordedRequests().filter(
  ({ name, request, response }) =>
    request.method === "POST" &&
    response.code >= 400 &&
    response.code !== 403 &&
    response.code !== 409 &&
    /^(invalid|http|validation|crd)\//.test(name) &&
    !ELSEWHERE.test(name) &&
    !request.path.includes("/from-yaml"),
);

for (const { name, request, response } of creations) {
  test(`${name}: refused in the words of kube-apiserver`, () => {
    const text = request.raw ?? JSON.stringify(request.body);
    const refusal = statusOf(() => create(request.path, text));
    assert.deepEqual(JSON.parse(JSON.stringify(refusal)), response.body);
  });
}

test("every recorded creation of a built-in kind that went well is found valid", () => {
  let seen = 0;
  for (const { request, response } of recordedRequests()) {
    if (
      request.method !== "POST" ||
      response.code !== 201 ||
      request.raw !== undefined ||
      !isObject(request.body)
    )
      continue;
    if (builtInType(String(request.body["apiVersion"]), String(request.body["kind"])) === undefined) continue;
    if (/review|generateName/i.test(JSON.stringify(request.body))) continue;
    assert.equal(
      statusOf(() => create(request.path, JSON.stringify(request.body))),
      undefined,
      JSON.stringify(request.body),
    );
    seen++;
  }
  assert.ok(seen > 20);
});

test("what may not change is refused with the recorded texts", () => {
  const stored = new Map<string, JsonObject>();
  let compared = 0;
  for (const { name, request, response } of recordedRequests()) {
    const { body } = response;
    const path = request.path.replace(/\?.*/, "");
    if (isObject(body) && response.code < 300 && request.method !== "GET") {
      stored.set(request.method === "POST" ? `${path}/${objectAt(body, "metadata")?.["name"]}` : path, body);
    }
    if (
      ![
        "update/deployment-selector-immutable",
        "update/immutable-configmap",
        "patch/invalid-result",
      ].includes(name)
    )
      continue;
    const before = stored.get(path);
    assert.ok(before && isObject(body));
    const kind = kindOf(String(before["apiVersion"]), String(before["kind"]));
    const next = applyMergePatch(before, request.body);
    assert.ok(isObject(next));
    const { message } = invalidStatus(
      kind,
      String(objectAt(before, "metadata")?.["name"]),
      builtInErrors(kind, next, { before }),
    );
    assert.equal(message, body["message"]);
    compared++;
  }
  assert.equal(compared, 3);
});

function kindOf(apiVersion: string, kind: string) {
  const resource = builtInGroupVersions()
    .flatMap(({ resources }) => resources)
    .find(
      (one) =>
        one.kind === kind && (one.group === "" ? one.version : `${one.group}/${one.version}`) === apiVersion,
    );
  assert.ok(resource, `${apiVersion} ${kind}`);
  return resource;
}

/** Creates as a server does, up to storing: read, decode, complete, check. */
function create(path: string, text: string): void {
  const [, plural = ""] = /\/(\w+)(?:\?.*)?$/.exec(path) ?? [];
  const [, group = "", version = "v1"] = /^\/apis\/([^/]+)\/([^/]+)/.exec(path) ?? [];
  const resource = builtInGroupVersions()
    .flatMap(({ resources }) => resources)
    .find((one) => one.plural === plural && one.group === group && one.version === version);
  const type = resource && builtInType(group === "" ? version : `${group}/${version}`, resource.kind);
  assert.ok(resource && type, path);
  const decoded = decodeBuiltInBody(readJsonBody(text, resource), type, resource);
  if (path.includes("fieldValidation=Strict") && decoded.complaints.length > 0) {
    throw strictDecodingError(resource, decoded.complaints);
  }
  const namespace = /\/namespaces\/([^/]+)\//.exec(path)?.[1];
  const metadata = {
    ...objectAt(decoded.object, "metadata"),
    uid: "u",
    ...(namespace === undefined ? {} : { namespace }),
  };
  const object = withBuiltInDefaults(
    type,
    prepareForCreate(withBuiltInDefaults(type, { ...decoded.object, metadata })),
  );
  const errors = builtInErrors(resource, object);
  const name = String(objectAt(object, "metadata")?.["name"] ?? "");
  if (errors.length > 0) throw new StatusError(invalidStatus(resource, name, errors));
}

function statusOf(run: () => void): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return error.status;
  }
}

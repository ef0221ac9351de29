import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { PassThrough } from "node:stream";
import { after, before, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import {
  ConfigMap,
  defineKind,
  type KubeObject,
  type ResourceClient,
  ServiceAccount,
  StatusError,
} from "@tracegate/kube";
import { memoryStore, type Store } from "@tracegate/store";
import fc from "fast-check";
import { WebSocket } from "ws";
import { createApi } from "../core/api.ts";
import { embeddedClient } from "../embedded-client.ts";
import type { PodAccess, PodExecRequest, PodLogRequest } from "../pods/pod-access.ts";
import { type ApiServer, startApiServer } from "./api-server.ts";

const ADMIN = "admin-token";
let store: Store;
let client: ResourceClient;
let server: ApiServer;

before(async () => {
  store = memoryStore();
  const api = createApi({ store, clock: wallClock });
  client = embeddedClient(api);
  server = await startApiServer({
    api,
    port: 0,
    tokens: [
      { token: ADMIN, user: { name: "admin", groups: ["system:masters"] } },
      { token: "jane-token", user: { name: "jane", groups: [] } },
    ],
  });
});
after(() => server.close());

interface Answer {
  readonly code: number;
  readonly body: string;
}

interface Sent {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

async function send(
  path: string,
  { method = "GET", token = ADMIN, headers = {}, body }: Sent = {},
): Promise<Answer> {
  const request = httpRequest(`${server.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...headers },
  });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { code: response.statusCode ?? 0, body: text };
}

const json = { "Content-Type": "application/json" };

test("a name that is not ours is refused, whoever asks", async () => {
  assert.equal((await send("/version", { headers: { Host: "evil.example:6443" } })).code, 403);
  assert.equal((await send("/version", { headers: { Host: "localhost:1" } })).code, 200);
});

test("a page of another site is refused, unless it brings a token that somebody gave it", async () => {
  const origin = { Origin: "https://evil.example" };
  const anonymous = httpRequest(`${server.url}/version`, { headers: origin }).end();
  const [response] = (await once(anonymous, "response")) as [IncomingMessage];
  assert.deepEqual([response.statusCode, response.resume()], [403, response]);
  assert.equal((await send("/version", { headers: origin })).code, 200);
  const exec = `${server.url.replace("http", "ws")}/api/v1/namespaces/x/pods/y/exec?command=sh`;
  const bearer = `base64url.bearer.authorization.k8s.io.${Buffer.from(ADMIN).toString("base64url")}`;
  const socket = new WebSocket(exec, ["v5.channel.k8s.io", bearer], { origin: "https://evil.example" });
  const [error] = (await once(socket, "error")) as [Error];
  assert.match(error.message, /403/);
});

test("the wanted port, or the next free one", async () => {
  const other = await startApiServer({
    api: createApi({ store: memoryStore(), clock: wallClock }),
    port: server.port,
  });
  assert.ok(other.port > server.port);
  await other.close();
});

test("garbage is refused with a Status, and the server goes on", async () => {
  const types = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/apply-patch+yaml",
    "text/plain",
  ];
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Uint8Array.from([0x6b, 0x38, 0x73, 0, ...bytes])),
    fc.json().map((text) => Buffer.from(text)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...types),
      fc.constantFrom("POST", "PUT", "PATCH"),
      garbage,
      async (type, method, body) => {
        const name = method === "POST" ? "" : "/kube-root-ca.crt";
        const { code, body: text } = await send(
          `/api/v1/namespaces/default/configmaps${name}?fieldManager=x`,
          {
            method,
            headers: { "Content-Type": type },
            body,
          },
        );
        assert.ok(code >= 400 && code < 500, `${code} ${text}`);
        assert.equal(JSON.parse(text).kind, "Status");
      },
    ),
    { numRuns: 150 },
  );
});

test("a watch from forgotten history says so in its first event", async () => {
  await client.create(ConfigMap, configMap("forgotten", "1"));
  store.compact(store.revision);
  const { code, body } = await send("/api/v1/configmaps?watch=true&resourceVersion=1");
  assert.equal(code, 200);
  const event = JSON.parse(body);
  assert.equal(event.type, "ERROR");
  assert.equal(event.object.code, 410);
  assert.equal(event.object.reason, "Expired");
});

const configMap = (name: string, value: string): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data: { value },
});

test("a watcher that does not read is cut off", async () => {
  const socket = connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  socket.pause();
  socket.write(
    `GET /api/v1/configmaps?watch=true HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ADMIN}\r\n\r\n`,
  );
  const closed = once(socket, "close");
  socket.on("error", () => {});
  await client.create(ConfigMap, configMap("slow", ""));
  const big = "x".repeat(900_000);
  // More than the limit and than what the operating system buffers on both sides.
  for (let i = 0; i < 40; i++) {
    await client.update(ConfigMap, configMap("slow", `${i}${big}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.resume();
  await closed;
  await client.delete(ConfigMap, { name: "slow", namespace: "default" });
});

const RoleBinding = defineKind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings");

test("a bound role lets through what it says and no more", async () => {
  const pods = "/api/v1/namespaces/default/pods";
  assert.equal((await send(pods, { token: "jane-token" })).code, 403);
  await client.create(RoleBinding, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "jane", namespace: "default" },
    subjects: [{ kind: "User", name: "jane", apiGroup: "rbac.authorization.k8s.io" }],
    roleRef: { kind: "ClusterRole", name: "admin", apiGroup: "rbac.authorization.k8s.io" },
  } as KubeObject);
  assert.equal((await send(pods, { token: "jane-token" })).code, 200);
  assert.equal((await send("/api/v1/nodes", { token: "jane-token" })).code, 403);
  const review = await send("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    method: "POST",
    token: "jane-token",
    headers: json,
    body: JSON.stringify({
      spec: { resourceAttributes: { namespace: "default", verb: "list", resource: "pods" } },
    }),
  });
  assert.deepEqual(JSON.parse(review.body).status, {
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "jane/default" of ClusterRole "admin" to User "jane"',
  });
});

test("nobody grants what they do not hold", async () => {
  const role = (resource: string, verb: string) =>
    send("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", {
      method: "POST",
      token: "jane-token",
      headers: json,
      body: JSON.stringify({
        metadata: { name: `${resource}-${verb}` },
        rules: [{ apiGroups: [""], resources: [resource], verbs: [verb] }],
      }),
    });
  assert.equal((await role("configmaps", "get")).code, 201);
  const refused = await role("nodes", "delete");
  assert.equal(refused.code, 403);
  assert.match(JSON.parse(refused.body).message, /attempting to grant RBAC permissions not currently held/);
});

test("a token of a service account stands for it until it is deleted", async () => {
  const account: ServiceAccount = {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "robot", namespace: "default" },
  };
  await client.create(ServiceAccount, account);
  const issued = await send("/api/v1/namespaces/default/serviceaccounts/robot/token", {
    method: "POST",
    headers: json,
    body: JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} }),
  });
  assert.equal(issued.code, 201, issued.body);
  const { token } = JSON.parse(issued.body).status;
  const whoami = () =>
    send("/apis/authentication.k8s.io/v1/selfsubjectreviews", {
      method: "POST",
      token,
      headers: json,
      body: "{}",
    });
  const { status } = JSON.parse((await whoami()).body);
  assert.equal(status.userInfo.username, "system:serviceaccount:default:robot");
  assert.equal((await send("/version", { token: `${token}x` })).code, 401);
  await client.delete(ServiceAccount, { name: "robot", namespace: "default" });
  assert.equal((await whoami()).code, 401);
});

/** A node that echoes. */
function echoPods(seen: { log?: PodLogRequest; exec?: PodExecRequest }): PodAccess {
  return {
    async logs(request) {
      seen.log = request;
      return (async function* () {
        yield Buffer.from("first\n");
        yield Buffer.from("second\n");
      })();
    },
    async exec(request) {
      seen.exec = request;
      const [stdin, stderr] = [new PassThrough(), new PassThrough()];
      stderr.end("warned");
      const exitCode = once(stdin, "end").then(() => 7);
      return { stdin, stdout: stdin, stderr, exitCode, resize() {}, kill() {} };
    },
    async attach({ name }) {
      const text = `Internal error occurred: unable to upgrade connection: container c not found in pod ${name}_default`;
      throw new StatusError({ code: 500, reason: "InternalError", message: text });
    },
    async portForward() {
      return new PassThrough();
    },
  };
}

test("logs are streamed as asked for", async () => {
  const seen: { log?: PodLogRequest } = {};
  assert.equal((await send("/api/v1/namespaces/default/pods/p/log")).code, 404);
  server.usePodAccess(echoPods(seen));
  const path = "/api/v1/namespaces/default/pods/p/log?follow=true&tailLines=5&timestamps=false&container=c";
  assert.deepEqual(await send(path), { code: 200, body: "first\nsecond\n" });
  const { signal: _, ...asked } = seen.log ?? {};
  assert.deepEqual(asked, {
    namespace: "default",
    name: "p",
    follow: true,
    previous: false,
    timestamps: false,
    container: "c",
    tailLines: 5,
  });
  const both = await send(
    "/api/v1/namespaces/default/pods/p/log?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z",
  );
  assert.equal(both.code, 422);
});

function socket(path: string, token = ADMIN): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${server.port}${path}`, ["v5.channel.k8s.io"], {
    headers: { Authorization: `Bearer ${token}` },
  });
}

test("a command's streams and exit code go over the channels", async () => {
  const seen: { exec?: PodExecRequest } = {};
  server.usePodAccess(echoPods(seen));
  const peer = socket(
    "/api/v1/namespaces/default/pods/p/exec?command=cat&command=-u&stdin=true&stdout=true&stderr=true",
  );
  const received = new Map<number, string>();
  peer.on("message", (data: Buffer) => {
    const channel = data[0] ?? 0;
    received.set(channel, (received.get(channel) ?? "") + data.subarray(1).toString("utf8"));
  });
  await once(peer, "open");
  peer.send(Buffer.from("\u0000hello"));
  peer.send(Buffer.from([255, 0]));
  await once(peer, "close");
  assert.deepEqual(seen.exec?.command, ["cat", "-u"]);
  assert.equal(received.get(1), "hello");
  assert.equal(received.get(2), "warned");
  assert.deepEqual(JSON.parse(received.get(3) ?? "{}").details.causes, [
    { reason: "ExitCode", message: "7" },
  ]);
});

test("a command is refused to who may only look", async () => {
  const peer = socket("/api/v1/namespaces/kube-system/pods/p/exec?command=id&stdout=true", "jane-token");
  const [, response] = (await once(peer, "unexpected-response")) as [unknown, IncomingMessage];
  assert.equal(response.statusCode, 403);
  response.destroy();
});

test("a port is forwarded in the legacy form", async () => {
  server.usePodAccess(echoPods({}));
  const peer = socket("/api/v1/namespaces/default/pods/p/portforward?ports=8080");
  const messages: Buffer[] = [];
  const echoed = new Promise<void>((resolve) => {
    peer.on("message", (data: Buffer) => {
      messages.push(data);
      if (messages.length === 3) resolve();
    });
  });
  await once(peer, "open");
  peer.send(Buffer.from("\u0000ping"));
  await echoed;
  assert.deepEqual(messages[0], Buffer.from([0, 0x90, 0x1f]));
  assert.deepEqual(messages[1], Buffer.from([1, 0x90, 0x1f]));
  assert.equal(messages[2]?.subarray(1).toString(), "ping");
  peer.terminate();
});

const messageOf = async (path: string, sent?: Sent): Promise<string> => {
  const { code, body } = await send(path, sent);
  return `${code} ${(JSON.parse(body) as { message?: string }).message ?? ""}`;
};

test("what is asked of a list, a read, a watch or a write is checked in kube-apiserver's words", async () => {
  const configMaps = "/api/v1/namespaces/default/configmaps";
  const options = 'ListOptions.meta.k8s.io "" is invalid:';
  const match = "resourceVersionMatch";
  const cases: readonly (readonly [string, string, Sent?])[] = [
    [`${configMaps}?limit=abc`, '400 strconv.ParseInt: parsing "abc": invalid syntax'],
    [
      `${configMaps}?resourceVersion=0&${match}=Exact`,
      `422 ${options} ${match}: Forbidden: ${match} "exact" is forbidden for resourceVersion "0"`,
    ],
    [
      `${configMaps}?sendInitialEvents=true`,
      `422 ${options} sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list`,
    ],
    [
      `${configMaps}?watch=1&${match}=Exact`,
      `422 ${options} [${match}: Forbidden: ${match} is forbidden for watch unless sendInitialEvents is provided, ` +
        `${match}: Unsupported value: "Exact": supported values: "NotOlderThan"]`,
    ],
    [
      `${configMaps}/x?resourceVersion=x`,
      '500 resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    ],
    [
      `${configMaps}?fieldValidation=Sometimes`,
      '422 CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Sometimes": ' +
        'supported values: "", "Ignore", "Strict", "Warn"',
      { method: "POST", headers: json, body: "{}" },
    ],
    [
      `${configMaps}?fieldManager=${"x".repeat(129)}`,
      '422 CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
      { method: "POST", headers: json, body: "{}" },
    ],
    [
      `${configMaps}/x?force=true`,
      '422 PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
      { method: "PATCH", headers: { "Content-Type": "application/merge-patch+json" }, body: "{}" },
    ],
    [
      configMaps,
      "405 the server does not allow this method on the requested resource",
      { method: "PATCH", headers: { "Content-Type": "application/merge-patch+json" }, body: "{}" },
    ],
    [
      `${configMaps}/x?propagationPolicy=Orphan&orphanDependents=true`,
      '422 DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": ' +
        "orphanDependents and deletionPropagation cannot be both set",
      { method: "DELETE" },
    ],
  ];
  for (const [path, expected, sent] of cases) assert.equal(await messageOf(path, sent), expected);
});

const posted = (body: object): Sent => ({ method: "POST", headers: json, body: JSON.stringify(body) });
const patchOf = (type: string, body: string): Sent => ({
  method: "PATCH",
  headers: { "Content-Type": `application/${type}` },
  body,
});

test("reviews and requests for tokens must say what they ask", async () => {
  const reviews = "/apis/authorization.k8s.io/v1";
  const only = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
  const attributes = { resourceAttributes: { verb: "get", resource: "pods", namespace: "other" } };
  const cases: readonly (readonly [string, object, string])[] = [
    [
      `${reviews}/selfsubjectaccessreviews`,
      {},
      `422 .authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: ${only}`,
    ],
    [
      `${reviews}/subjectaccessreviews`,
      attributes,
      '422 .authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified',
    ],
    [
      `${reviews}/namespaces/default/localsubjectaccessreviews`,
      { ...attributes, user: "jane" },
      '422 .authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
    ],
    [
      "/apis/authentication.k8s.io/v1/tokenreviews",
      {},
      "400 token is required for TokenReview in authentication",
    ],
    [
      "/api/v1/namespaces/default/serviceaccounts/default/token",
      { expirationSeconds: 10 },
      '422 TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes',
    ],
  ];
  for (const [path, spec, expected] of cases) assert.equal(await messageOf(path, posted({ spec })), expected);
});

test("a patch of another form or kind is refused, and leaves the object as it was", async () => {
  const path = "/api/v1/namespaces/default/configmaps/formed";
  const made = { metadata: { name: "formed" }, data: { a: "1" } };
  assert.equal((await send("/api/v1/namespaces/default/configmaps", posted(made))).code, 201);
  const cases: readonly (readonly [string, string, string])[] = [
    ["merge-patch+json", "{", "error decoding patch: unexpected end of JSON input"],
    [
      "merge-patch+json",
      "[]",
      "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
    ],
    [
      "json-patch+json",
      "{}",
      "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    ],
    [
      "apply-patch+yaml",
      '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"formed"}}',
      "invalid object type: /v1, Kind=Secret",
    ],
    ["apply-patch+yaml", '{"apiVersion":null,"kind":"ConfigMap"}', "invalid object type: /, Kind=ConfigMap"],
    ["apply-patch+yaml", '{"apiVersion":5,"kind":[]}', "invalid object type: /, Kind="],
  ];
  for (const [type, body, expected] of cases) {
    assert.equal(await messageOf(`${path}?fieldManager=t`, patchOf(type, body)), `400 ${expected}`);
  }
  const { data } = JSON.parse((await send(path)).body) as { data: object };
  assert.deepEqual(data, made.data);
});

test("a namespace is let go through finalize alone", async () => {
  assert.equal((await send("/api/v1/namespaces", posted({ metadata: { name: "kept" } }))).code, 201);
  const { body } = await send(
    "/api/v1/namespaces/kept",
    patchOf("merge-patch+json", '{"spec":{"finalizers":[]}}'),
  );
  assert.deepEqual((JSON.parse(body) as { spec: object }).spec, { finalizers: ["kubernetes"] });
});

test("objects without a name or a spec are told what is wrong with them", async () => {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    spec: { ports: [{ port: 80 }], clusterIPs: ["Zip"] },
  };
  assert.equal(
    await messageOf("/api/v1/namespaces/default/services", posted(service)),
    '422 Service "" is invalid: [spec.clusterIPs: Invalid value: ["Zip"]: must be empty when `clusterIP` is not specified, spec.clusterIPs[0]: Invalid value: "Zip": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)]',
  );
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "a.b.example" },
  };
  assert.match(
    await messageOf("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", posted(definition)),
    /^422 CustomResourceDefinition.apiextensions.k8s.io "a.b.example" is invalid: \[metadata.name: .*spec.versions: Invalid value: null: /,
  );
});

import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { type PodTemplateSpec, ReplicaSet, type ResourceClient } from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";
import { shopWorld } from "../../../testing/shop-world.ts";
import { serveDashboard } from "./server.ts";

async function served(t: { after(body: () => void): void }, rootPath = "rollouts") {
  const { client } = await shopWorld();
  const options = { client, namespace: "shop", clock: wallClock, token: "secret", port: 0, rootPath };
  const { port, close } = await serveDashboard(options);
  t.after(close);
  const base = `http://127.0.0.1:${port}`;
  const api = `${base}${rootPath === "" ? "" : `/${rootPath}`}/api/v1`;
  /** As scripts ask: fetch of Node would say that it is a browser. */
  const ask = (method: string, url: string, body = "", headers: Record<string, string> = {}) =>
    new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>(
      (resolve, reject) => {
        const sending = request(url, { method, headers }, async (response) => {
          let text = "";
          for await (const piece of response) text += piece;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
        sending.on("error", reject);
        sending.end(body);
      },
    );
  const withToken = { "x-tracegate-token": "secret" };
  const put = async (path: string, body = "{}", headers: Record<string, string> = withToken) => {
    const { status, text } = await ask("PUT", `${api}/${path}`, body, headers);
    return { status, body: JSON.parse(text) };
  };
  const get = async (path: string) => JSON.parse((await ask("GET", `${api}/${path}`)).text);
  const rollout = () => client.get(Rollout, { namespace: "shop", name: "web" });
  return { client, base, api, ask, put, get, rollout };
}

test("the API answers at the original's paths", async (t) => {
  const { get } = await served(t);
  assert.match((await get("version")).rolloutsVersion, /^v1\.9\.2/);
  assert.deepEqual(await get("namespace"), { namespace: "shop", availableNamespaces: ["shop"] });
  const info = await get("rollouts/shop/web/info");
  assert.deepEqual([info.objectMeta.name, info.strategy, info.setWeight], ["web", "Canary", "50"]);
  assert.deepEqual(await get("rollouts/shop/info"), { rollouts: [info] });
  assert.deepEqual(await get("rollouts/*/info"), { rollouts: [info] });
  assert.deepEqual(await get("rollouts/empty/info"), {});
  assert.deepEqual(await get("rollouts/shop/nope/info"), {
    code: 2,
    message: 'rollout.argoproj.io "nope" not found',
  });
  for (const path of ["nope", "rollouts", "rollouts/shop/web/nope", "rollouts/shop/web/info/nope", "%ff"])
    assert.deepEqual(await get(path), { code: 12, message: "Not Implemented" });
});

test("what a person does is written, and answered by the Rollout", async (t) => {
  const { client, put, rollout } = await served(t);
  const aborted = await put("rollouts/shop/web/abort");
  assert.deepEqual([aborted.status, aborted.body.status.abort], [200, true]);
  await put("rollouts/shop/web/retry", "");
  assert.equal((await rollout()).status?.abort, false);
  await put("rollouts/shop/web/promote", '{"name":"web","namespace":"shop","full":false}');
  assert.equal((await rollout()).status?.currentStepIndex, 1);
  await put("rollouts/shop/web/restart");
  assert.match((await rollout()).spec.restartAt ?? "", /^20/);
  const changed = await put("rollouts/shop/web/set/c/registry/team/web/2.0");
  assert.equal(changed.body.spec.template.spec.containers[0].image, "registry/team/web:2.0");

  const { metadata, spec } = await rollout();
  const template: PodTemplateSpec = structuredClone(spec.template ?? { spec: { containers: [] } });
  const [container] = template.spec.containers;
  assert.ok(container);
  container.image = "web:0";
  await client.create(ReplicaSet, {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: "web-0",
      namespace: "shop",
      annotations: { "rollout.argoproj.io/revision": "3" },
      ownerReferences: [
        {
          apiVersion: "argoproj.io/v1alpha1",
          kind: "Rollout",
          name: "web",
          uid: metadata.uid ?? "",
          controller: true,
        },
      ],
    },
    spec: { replicas: 0, selector: { matchLabels: { app: "web" } }, template },
  });
  const undone = await put("rollouts/shop/web/undo/3");
  assert.equal(undone.body.spec.template.spec.containers[0].image, "web:0");
});

test("what cannot be done is a code and a message", async (t) => {
  const { put } = await served(t);
  const missing = await put("rollouts/shop/nope/abort");
  assert.deepEqual(missing, {
    status: 500,
    body: { code: 2, message: 'rollouts.argoproj.io "nope" not found' },
  });
  const revision = await put("rollouts/shop/web/undo/9");
  assert.equal(revision.body.message, "unable to find specified revision 9 in history");
  const container = await put("rollouts/shop/web/set/nope/a/b");
  assert.equal(container.body.message, 'unable to find container named "nope"');
  assert.deepEqual((await put("rollouts/shop/web/promote", "{bad")).body.code, 3);
  assert.deepEqual((await put("rollouts/shop/web/promote", `"${"x".repeat(70_000)}"`)).body.code, 3);
  assert.equal((await put("rollouts/shop/web/undo/x")).status, 501);
});

test("the page carries the token, without which nothing is changed", async (t) => {
  const { base, ask, put, rollout } = await served(t);
  const top = await ask("GET", `${base}/`);
  assert.deepEqual([top.status, top.headers["location"]], [302, "/rollouts/"]);
  const page = await ask("GET", `${base}/rollouts/`);
  assert.match(page.text, /<meta name="token" content="secret"/);
  assert.match(String(page.headers["content-security-policy"]), /frame-ancestors 'none'/);
  assert.equal(page.headers["access-control-allow-origin"], undefined);
  for (const [, file = ""] of page.text.matchAll(/(?:src|href)="([\w.-]+)"/g))
    assert.equal((await ask("GET", `${base}/rollouts/${file}`)).status, 200, file);

  assert.equal((await put("rollouts/shop/web/abort", "{}", {})).status, 403);
  const browser = { origin: base, "sec-fetch-site": "same-origin" };
  const forgotten = await put("rollouts/shop/web/abort", "{}", browser);
  assert.deepEqual([forgotten.status, forgotten.body.code], [403, 7]);
  const foreign = {
    origin: "https://evil.example",
    "sec-fetch-site": "cross-site",
    "x-tracegate-token": "secret",
  };
  assert.equal((await put("rollouts/shop/web/abort", "{}", foreign)).status, 403);
  assert.equal((await rollout()).status?.abort, undefined);
  const own = await put("rollouts/shop/web/abort", "{}", { ...browser, "x-tracegate-token": "secret" });
  assert.equal(own.status, 200);
  assert.equal((await ask("GET", `${base}/rollouts/`, "", { host: "evil.example" })).status, 403);
  // No CORS: a browser that asks whether it may send is told nothing.
  assert.equal(
    (await ask("OPTIONS", `${base}/rollouts/api/v1/version`, "", { origin: "https://evil.example" })).status,
    403,
  );
});

test("a target that is no path is refused, and the next request is served", async (t) => {
  const { base, ask, get } = await served(t);
  for (const path of ["//", "//evil.example/rollouts/", "/\\x", "*"]) {
    const { port } = new URL(base);
    const status = await new Promise((resolve, reject) => {
      request({ port, path }, (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    assert.equal(status, 403, path);
  }
  assert.equal((await ask("GET", `${base}/rollouts/%`)).status, 501);
  assert.ok((await get("version")).rolloutsVersion);
});

test("the page may stand at the top", async (t) => {
  const { base, ask, get } = await served(t, "");
  assert.match((await ask("GET", `${base}/`)).text, /Rollouts/);
  assert.ok((await get("version")).rolloutsVersion);
});

/** Reads events of a stream until one is the wanted. */
function following(url: string, headers: Record<string, string> = {}) {
  const events: AsyncGenerator<{ result?: unknown; error?: unknown }> = (async function* () {
    const response = await new Promise<AsyncIterable<Buffer> & { destroy(): void }>((resolve, reject) => {
      request(url, { headers }, resolve).on("error", reject).end();
    });
    let rest = "";
    try {
      for await (const piece of response) {
        rest += piece;
        const lines = rest.split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines)
          if (/^(data: )?\{"/.test(line)) yield JSON.parse(line.replace(/^data: /, ""));
      }
    } finally {
      response.destroy();
    }
  })();
  return events;
}

test("a stream tells of all Rollouts, then of each that changes, then of those that go", async (t) => {
  const { client, api } = await served(t);
  const events = following(`${api}/rollouts/*/info/watch`, { accept: "text/event-stream" });
  // Any event is given as it came: tests read what they name.
  const next = async () =>
    (await events.next()).value?.result as { type: string; rolloutInfo: { status: string; desired: number } };
  assert.deepEqual((await next()).type, "Updated");
  await client.patch(
    Rollout,
    { namespace: "shop", name: "web" },
    { type: "merge", body: { spec: { replicas: 7 } } },
  );
  assert.equal((await next()).rolloutInfo.desired, 7);
  await client.delete(Rollout, { namespace: "shop", name: "web" });
  assert.deepEqual(await next(), {
    type: "Deleted",
    rolloutInfo: { objectMeta: { namespace: "shop", name: "web" } },
  });
  await events.return(undefined);
});

test("a stream about a Rollout that is not there says so and ends", async (t) => {
  const { api } = await served(t);
  const events = following(`${api}/rollouts/shop/nope/info/watch`);
  assert.deepEqual((await events.next()).value?.error, {
    grpc_code: 5,
    http_code: 404,
    message: 'rollout.argoproj.io "nope" not found',
    http_status: "Not Found",
  });
  assert.equal((await events.next()).done, true);
});

test("a stream ends with a reason where the cluster does not answer, or not any more", async (t) => {
  const { client } = await shopWorld();
  let isDown = false;
  let closeWatch: ((reason: Error) => void) | undefined;
  const down = new Error("connect ECONNREFUSED");
  const shaky: ResourceClient = {
    ...client,
    list: (kind, options) => (isDown ? Promise.reject(down) : client.list(kind, options)),
    watch(kind, options, handler) {
      if (isDown) throw down;
      closeWatch = (reason) => handler.close(reason);
      return client.watch(kind, options, handler);
    },
  };
  const options = { client: shaky, namespace: "shop", clock: wallClock, token: "", port: 0, rootPath: "" };
  const { port, close } = await serveDashboard(options);
  t.after(close);
  const url = `http://127.0.0.1:${port}/api/v1/rollouts/*/info/watch`;
  const events = following(url);
  assert.ok((await events.next()).value?.result);
  isDown = true;
  closeWatch?.(down);
  const { error } = (await events.next()).value ?? {};
  assert.match(
    JSON.stringify(error),
    /"http_code":503,"message":"watch of \w+ failed: Error: connect ECONNREFUSED"/,
  );
  assert.equal((await events.next()).done, true);
  const again = (await following(url).next()).value?.error;
  assert.match(JSON.stringify(again), /"http_code":503,"message":"connect ECONNREFUSED"/);
});

test("readers of events are told when all is there", async (t) => {
  const { api } = await served(t);
  const { promise, resolve } = Promise.withResolvers<string>();
  const headers = { accept: "text/event-stream" };
  const asking = request(`${api}/rollouts/empty/info/watch`, { headers }, (response) =>
    response.once("data", (piece: Buffer) => resolve(piece.toString())),
  );
  asking.on("error", () => {});
  asking.end();
  assert.equal(await promise, "event: synced\ndata: {}\n\n");
  asking.destroy();
});

test("a stream about one Rollout begins with what it looks like", async (t) => {
  const { api, get } = await served(t);
  const events = following(`${api}/rollouts/shop/web/info/watch`);
  assert.deepEqual((await events.next()).value?.result, await get("rollouts/shop/web/info"));
  await events.return(undefined);
});

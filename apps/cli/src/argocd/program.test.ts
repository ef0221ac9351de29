import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { VirtualScheduler } from "@tracegate/controller-runtime";
import { Application, AppProject, crds, defaultProject } from "@tracegate/gitops";
import { memoryGit } from "@tracegate/gitops/testing";
import { CustomResourceDefinition, Namespace, type ResourceClient, StatusError } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { capturedIo } from "../../testing/captured-io.ts";
import type { Contexts } from "./config.ts";
import { runArgocd } from "./program.ts";

interface World {
  readonly client: ResourceClient;
  readonly scheduler: VirtualScheduler;
  contexts: Contexts;
  /** The token that commands connected with last. */
  token: string | undefined;
}

async function world(): Promise<World> {
  const scheduler = new VirtualScheduler(Date.parse("2031-02-03T10:11:12Z"));
  const client = embeddedClient(createApi({ store: memoryStore(), clock: scheduler }));
  for (const definition of crds) await client.create(CustomResourceDefinition, definition);
  await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "argocd" } });
  const metadata = { name: "default", namespace: "argocd" };
  await client.create(AppProject, { ...defaultProject, metadata });
  await client.create(Application, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "shop", namespace: "argocd", labels: { team: "a" } },
    spec: {
      project: "default",
      source: { repoURL: "file:///repo", path: "shop", targetRevision: "HEAD" },
      destination: { server: "https://kubernetes.default.svc", namespace: "shop" },
    },
  });
  const contexts = { contexts: [], "current-context": "", servers: [], users: [] };
  return { client, scheduler, contexts, token: undefined };
}

async function run(here: World, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = capturedIo();
  let code: number | undefined;
  void runArgocd(argv, {
    connect: (_flags, token) => {
      here.token = token;
      const refused = new StatusError({ code: 401, reason: "Unauthorized", message: "Unauthorized" });
      const list: ResourceClient["list"] = (...args) =>
        token === "wrong" ? Promise.reject(refused) : here.client.list(...args);
      return { client: { ...here.client, list }, server: "https://api", close: () => {} };
    },
    git: memoryGit(),
    config: () => ({
      path: "config",
      read: () => here.contexts,
      write: (contexts) => {
        here.contexts = contexts;
      },
    }),
    ask: async () => "n",
    clock: here.scheduler,
    io,
  }).then((ended) => {
    code = ended;
  });
  await here.scheduler.advanceUntil(() => code !== undefined, here.scheduler.now() + 60_000);
  return { code: code ?? -1, ...io.written };
}

test("mistakes end with the original's exit codes and texts", async () => {
  const here = await world();
  const fatal = (message: string) =>
    `${JSON.stringify({ level: "fatal", msg: message, time: "2031-02-03T10:11:12Z" })}\n`;
  const cases: [string[], number, string][] = [
    [["app", "get", "nope"], 20, fatal("rpc error: code = PermissionDenied desc = permission denied")],
    [["app", "get", "shop", "-o", "nope"], 20, fatal("unknown output format: nope")],
    [["app", "sync", "-l", "team=b"], 1, fatal("No matching apps found for filter: selector team=b")],
    [
      ["app", "sync", "shop", "--resource", "x"],
      20,
      fatal("resource should have GROUP:KIND:NAME, but instead got: x"),
    ],
    [["app", "get", "--nope", "shop"], 1, "Error: unknown flag: --nope\n"],
  ];
  for (const [argv, code, err] of cases)
    assert.deepEqual(await run(here, ...argv), { code, out: "", err }, argv.join(" "));
  const nothing = await run(here, "app", "set", "shop");
  assert.match(nothing.err, /"level":"error","msg":"Please set at least one option to update"/);
  assert.deepEqual([nothing.code, /^Usage:$/m.test(nothing.out)], [1, true]);
  for (const line of [
    ["app"],
    ["app", "nope"],
    ["app", "sync"],
    ["app", "wait"],
    ["app", "delete"],
    ["app", "create"],
  ]) {
    const { code, out } = await run(here, ...line);
    assert.deepEqual([code, /^Usage:$/m.test(out)], [1, true], line.join(" "));
  }
  const refused = await run(here, "app", "logs", "shop", "--tail", "1");
  assert.deepEqual(
    [refused.code, refused.err],
    [20, fatal("argocd app logs is not supported: use kubectl logs")],
  );
  const unfinished = await run(here, "app", "get");
  assert.equal(unfinished.code, 1);
  assert.match(unfinished.out, /^Usage:$/m);
});

test("login checks a token before it remembers it, and later commands use it", async () => {
  const here = await world();
  const refused = await run(here, "login", "api", "--password", "wrong");
  assert.equal(refused.code, 20);
  assert.match(refused.err, /Unauthenticated desc = Invalid username or password/);
  assert.deepEqual(here.contexts.contexts, []);

  const welcome = await run(here, "login", "api", "--username", "ada", "--password", "secret");
  assert.equal(welcome.out, "'ada' logged in successfully\nContext 'api' updated\n");
  await run(here, "app", "list");
  assert.equal(here.token, "secret");

  assert.equal((await run(here, "login", "--core")).out, "Context 'kubernetes' updated\n");
  await run(here, "app", "list");
  assert.equal(here.token, undefined);
  const listed = await run(here, "context");
  assert.equal(
    listed.out,
    "CURRENT  NAME        SERVER\n         api         api\n*        kubernetes  kubernetes\n",
  );
  assert.equal((await run(here, "logout", "api")).out, "Logged out from 'api'\n");
});

test("set changes what is named and nothing else", async () => {
  const here = await world();
  const flags = [
    "--validate=false",
    "--revision",
    "v2",
    "--sync-policy",
    "auto",
    "--auto-prune",
    "--kustomize-image",
    "web:2",
  ];
  assert.equal((await run(here, "app", "set", "shop", ...flags)).code, 0);
  const { spec } = await here.client.get(Application, { namespace: "argocd", name: "shop" });
  assert.deepEqual(spec.source, {
    repoURL: "file:///repo",
    path: "shop",
    targetRevision: "v2",
    kustomize: { images: ["web:2"] },
  });
  assert.deepEqual(spec.syncPolicy, { automated: { prune: true } });
});

test("delete asks, and takes along what was deployed unless told otherwise", async () => {
  const here = await world();
  const ref = { namespace: "argocd", name: "shop" };
  assert.match((await run(here, "app", "delete", "shop")).out, /was cancelled/);
  assert.equal((await run(here, "app", "delete", "shop", "-y")).out, "application 'shop' deleted\n");
  const { metadata } = await here.client.get(Application, ref);
  assert.deepEqual(metadata.finalizers, ["resources-finalizer.argocd.argoproj.io"]);
  assert.notEqual(metadata.deletionTimestamp, undefined);
});

test("projects, repositories and clusters are listed", async () => {
  const here = await world();
  assert.match((await run(here, "proj", "list")).out, /^NAME .*\ndefault +\*,\* +\* +\*\/\* +<none>/);
  assert.match((await run(here, "proj", "get", "default")).out, /^Destinations: {16}\*,\*$/m);
  assert.match((await run(here, "repo", "list")).out, /^TYPE {2}NAME {2}REPO/);
  assert.match(
    (await run(here, "cluster", "list")).out,
    /^https:\/\/kubernetes\.default\.svc {2}in-cluster/m,
  );
});

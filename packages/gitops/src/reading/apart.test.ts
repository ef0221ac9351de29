import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Clock, wallClock } from "@tracegate/contracts";
import { hostileRepository } from "../../testing/hostile-repository.ts";
import { commandGit } from "../git/command-git.ts";
import type { ApplicationSetSpec } from "../types/application-set.ts";
import { type ReadApartOptions, readApart } from "./apart.ts";
import { readHere } from "./source-reader.ts";

function setUp(t: TestContext, options: Partial<ReadApartOptions> = {}) {
  const repository = hostileRepository();
  const git = commandGit({ directory: join(repository.directory, "cache") });
  const sources = readApart({ git, clock: wallClock, ...options });
  t.after(async () => {
    await sources.close();
    repository.remove();
  });
  const source = (path: string) => ({ repoURL: repository.origin, path });
  return { ...repository, repositories: git, sources, source };
}

/** A clock whose waits end when the test says so. */
function heldClock() {
  const waits: { ms: number; end: () => void }[] = [];
  const clock: Clock = {
    now: () => 0,
    after: (ms, signal) =>
      new Promise((resolve, reject) => {
        waits.push({ ms, end: resolve });
        signal?.addEventListener("abort", () => reject(signal.reason));
      }),
  };
  return {
    clock,
    /** Ends the wait of that length that is the latest, once there are `count` of them. */
    async end(ms: number, count = 1) {
      while (waits.filter((wait) => wait.ms === ms).length < count) await new Promise(setImmediate);
      waits.findLast((wait) => wait.ms === ms)?.end();
    },
  };
}

const object = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
const names = async (
  rendered: Promise<{ manifests: readonly { manifest: { metadata: { name: string } } }[] }>,
) => (await rendered).manifests.map(({ manifest }) => manifest.metadata.name);

/** A small kustomization that takes hours: every patch is laid over every object. */
const endless = {
  "endless/kustomization.yaml": `resources: [all.yaml]\npatches:\n${"- {target: {kind: ConfigMap}, patch: '[{op: add, path: /data, value: {}}]'}\n".repeat(20_000)}`,
  "endless/all.yaml": Array.from({ length: 9000 }, (_, i) => `---\n${object(`c${i}`)}`).join(""),
};

/** A value of a few lines that comes to some 100 MB: aliases repeat it, within what a document may have of them. */
const growing = `${object("a")}data:\n  a: &a [${'"some text", '.repeat(10_000)}]\n  b:\n${"  - *a\n".repeat(900)}`;

test("a process reads as we would, and tells errors in the same words", async (t) => {
  const { sources, source, repositories, write, commit, origin } = setUp(t);
  write("plain/a.yaml", `${object("a")}data: {x: "1"}\n---\n${object("b")}`);
  write("base/kustomization.yaml", "resources: [a.yaml]\n");
  write("base/a.yaml", object("c"));
  write("over/kustomization.yaml", "resources: [../base]\nnamePrefix: x-\n");
  write("over/.argocd-source-web.yaml", "kustomize: {nameSuffix: -y}\n");
  write("bad/a.yaml", `${object("a")}x: [\n`);
  const head = commit();
  const outcome = (promise: Promise<unknown>) =>
    promise.catch((error: unknown) => ({ ...(error as object), text: String(error) }));
  const here = readHere(repositories);
  for (const path of ["plain", "base", "over", "bad", "nowhere", "../x", "/etc"]) {
    const [own, apart] = [here, sources].map((reader) =>
      outcome(reader.manifests(source(path), head, "web")),
    );
    assert.deepEqual(await apart, await own, path);
  }
  const spec: ApplicationSetSpec = {
    generators: [],
    template: { metadata: { name: "x" }, spec: {} },
  } as never; // of which only the language counts
  for (const generator of [
    { repoURL: origin, directories: [{ path: "*" }], values: { twice: "{{path}}{{path}}" } },
    { repoURL: origin, files: [{ path: "plain/*.yaml" }] },
    { repoURL: origin, files: [{ path: "bad/*.yaml" }] },
  ]) {
    const [own, apart] = [here, sources].map((reader) => outcome(reader.parameters(generator, spec, head)));
    assert.deepEqual(await apart, await own);
  }
});

test("what takes too long is ended in the middle of its work, and told once and for all", async (t) => {
  const { clock, end } = heldClock();
  const { sources, source, write, commit } = setUp(t, { clock, processes: 1 });
  for (const [path, content] of Object.entries(endless)) write(path, content);
  write("small/a.yaml", object("a"));
  const head = commit();
  assert.deepEqual(await names(sources.manifests(source("small"), head)), ["a"]);
  const [first] = sources.pids;
  const rendered = sources.manifests(source("endless"), head);
  const behind = sources.manifests(source("small"), head);
  const ended = assert.rejects(rendered, {
    name: "SourceError",
    code: "DeadlineExceeded",
    message:
      "rendering was ended after 60 s: split the source, or make it simpler; a hard refresh tries it again",
    lasting: true,
  });
  await end(60_000, 2);
  await ended;
  assert.deepEqual(await names(behind), ["a"], "who waited behind it is served");
  assert.ok(!sources.pids.includes(first ?? 0));
});

test("what takes too much memory is ended, by whatever it takes it", async (t) => {
  const { sources, source, write, commit } = setUp(t, { heapMb: 60 });
  write("small/a.yaml", object("a"));
  write("values/a.yaml", `${object("a")}data: [${"[],".repeat(300_000)}]\n`);
  const head = commit();
  await assert.rejects(sources.manifests(source("values"), head), {
    name: "SourceError",
    code: "ResourceExhausted",
    message:
      "rendering was ended at 60 MB of memory: split the source, or make it simpler; a hard refresh tries it again",
    lasting: true,
  });
  assert.deepEqual(await names(sources.manifests(source("small"), head)), ["a"]);
});

test("what aliases would grow to is refused before it is written out", async (t) => {
  const { sources, source, write, commit } = setUp(t);
  write("app/a.yaml", growing);
  await assert.rejects(sources.manifests(source("app"), commit()), {
    code: "ResourceExhausted",
    message: "what the source comes to is larger than 20000000 bytes: split it",
  });
});

test("one slow source leaves a process to the others", async (t) => {
  const { clock } = heldClock();
  const { sources, source, write, commit } = setUp(t, { clock });
  for (const [path, content] of Object.entries(endless)) write(path, content);
  write("small/a.yaml", object("a"));
  const head = commit();
  const slow = assert.rejects(sources.manifests(source("endless"), head), {
    code: "Canceled",
    message: "rendering was ended: the platform is stopping",
  });
  for (let i = 0; i < 3; i++) assert.deepEqual(await names(sources.manifests(source("small"), head)), ["a"]);
  assert.equal(sources.pids.length, 2);
  const { pids } = sources;
  await sources.close();
  await slow;
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  await assert.rejects(sources.manifests(source("small"), head), { code: "Canceled" });
});

test("a process without work is ended, and started again when there is some", async (t) => {
  const { clock, end } = heldClock();
  const { sources, source, write, commit } = setUp(t, { clock });
  write("small/a.yaml", object("a"));
  const head = commit();
  assert.deepEqual(sources.pids, [], "none before there is work");
  await sources.manifests(source("small"), head);
  assert.equal(sources.pids.length, 1);
  await end(20_000);
  while (sources.pids.length > 0) await new Promise(setImmediate);
  assert.deepEqual(await names(sources.manifests(source("small"), head)), ["a"]);
});

/** Asks for something endless and says who works on it. */
const asking = `
  const { commandGit } = await import(${JSON.stringify(new URL("../git/command-git.ts", import.meta.url).href)});
  const { readApart } = await import(${JSON.stringify(new URL("./apart.ts", import.meta.url).href)});
  const [directory, repoURL, commit] = process.argv.slice(1);
  const clock = { now: () => 0, after: () => new Promise(() => {}) };
  const sources = readApart({ git: commandGit({ directory }), clock });
  await sources.manifests({ repoURL, path: "small" }, commit);
  console.log(sources.pids[0]);
  sources.manifests({ repoURL, path: "endless" }, commit);
`;

test("what is at work when its parent is killed has little processor left, and ends when it has none to wait for", {
  skip: process.platform !== "linux",
}, async (t) => {
  const { origin, directory, write, commit } = setUp(t);
  for (const [path, content] of Object.entries(endless)) write(path, content);
  write("small/a.yaml", object("a"));
  const head = commit();
  const flags = ["--input-type=module", "--disable-warning=ExperimentalWarning", "-e", asking];
  const parent = spawn(process.execPath, [...flags, "--", join(directory, "theirs"), origin, head], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(parent.stdout, "data");
  const pid = Number(String(line));
  const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
  assert.match(limits, /^Max cpu time +210 +/m, "60 s until it is replaced, a render's time and some more");
  parent.kill("SIGKILL");
  await once(parent, "close");
  process.kill(pid, "SIGXCPU"); // as the kernel does then
  while (isAlive(pid)) await new Promise(setImmediate);
});

/** Nobody may be there to take the dead away. */
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

test("one without work ends with its parent", { skip: process.platform !== "linux" }, async (t) => {
  const { origin, directory, write, commit } = setUp(t);
  write("small/a.yaml", object("a"));
  const idle = asking.replace(/\n[^\n]*endless[^\n]*/, "\n setInterval(() => {}, 1000);");
  const flags = ["--input-type=module", "--disable-warning=ExperimentalWarning", "-e", idle];
  const parent = spawn(process.execPath, [...flags, "--", join(directory, "theirs"), origin, commit()], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(parent.stdout, "data");
  parent.kill("SIGKILL");
  while (isAlive(Number(String(line)))) await new Promise(setImmediate);
});

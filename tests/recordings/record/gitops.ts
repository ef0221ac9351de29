// node scripts/node24.js tests/recordings/record/gitops.ts API ARGOCD REPOS FILE…
//
// Plays the input of GitOps recordings (new ones have `name`, `about` and `input` only) with a real Argo CD and writes what it
// did beside it. API is the address of a real kube-apiserver that knows the token `admintoken`, ARGOCD the host:port of a server of
// Argo CD that asks nobody who they are, REPOS a folder for repositories. `argocd` and `kubectl` are those of the PATH, with
// NODE_EXTRA_CA_CERTS naming the API's certificate. The controller runs as the README says (resync of 30 s without jitter).
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createRemoteClient, startControllers, wallScheduler } from "@tracegate/controller-runtime";
import { Application, ApplicationSet, AppProject } from "@tracegate/gitops";
import { isNotFound, type Kind, type KubeObject, Namespace, type WatchEvent } from "@tracegate/kube";
import { hasReached, lacksNamespace, type Action, type GitOpsRecording } from "../gitops.ts";
import type { ObjectState } from "../gitops-tracks.ts";
import { simulatedPods } from "@tracegate/workloads/testing";
import { readJson } from "../files.ts";
import { type Identities, neutralState, neutralText } from "./gitops-neutral.ts";

const [api, argocd, repos, ...files] = process.argv.slice(2);
if (api === undefined || argocd === undefined || repos === undefined || files.length === 0) {
  process.stderr.write("usage: gitops.ts API ARGOCD REPOS FILE…\n");
  process.exit(2);
}
const client = createRemoteClient({ server: api, token: "admintoken", ca: readFileSync(process.env["NODE_EXTRA_CA_CERTS"] ?? "", "utf8") });
const controlPlane = "argocd";
const kinds: Readonly<Record<string, Kind<KubeObject>>> = { Application, ApplicationSet, AppProject };
/** No recorded state was waited for longer. */
const longestWaitMs = 30_000;

startControllers({
  client,
  scheduler: wallScheduler(),
  controllers: [simulatedPods({ client, clock: wallScheduler(), nodeName: "n1" })],
  concurrency: 50,
});
// Side by side, but not so many that they wait for each other.
const waiting = [...files];
const names = files.flatMap((file) => readdirSync(dirname(file))).map((file) => basename(file, ".json"));
/** Whether an object is a scenario's: named like it, or as its parts are, but not like another scenario. */
const isOf = (scenario: string, object: string) =>
  object === scenario ||
  (object.startsWith(`${scenario}-`) && !names.some((other) => other.length > scenario.length && (object === other || object.startsWith(`${other}-`))));
const worker = async () => {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    await record(file).catch((error: unknown) => process.stderr.write(`${file}: ${error instanceof Error ? error.stack : error}\n`));
  }
};
await Promise.all(Array.from({ length: Number(process.env["JOBS"] ?? 4) }, worker));
client.close();
process.exit(0);

async function record(file: string): Promise<void> {
  // A new one has its input only.
  const recording: GitOpsRecording = { recorded: [], ...readJson<Omit<GitOpsRecording, "recorded">>(file) };
  const { name, about, input } = recording;
  const namespace = `g-${name}`;
  const folder = join(repos ?? "", name);
  await clear(name, namespace);
  rmSync(folder, { recursive: true, force: true });
  const fill = (text: string) =>
    text.replaceAll("NAMESPACE", namespace).replace(/\bNAME\b/g, name).replace(/\bREPO\b/g, `file://${folder}`);
  const commits: string[] = [];
  const commit = (changes: Readonly<Record<string, unknown>>) => commits.push(writeCommit(folder, changes, fill));
  commit(input.files);
  if (!lacksNamespace(recording)) await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });

  const started = Date.now();
  const others = names.filter((other) => other !== name && !name.startsWith(other));
  const run: Identities = { others, repoURL: `file://${folder}`, commits, server: argocd ?? "", started };
  const entries: (ObjectState | object)[] = [];
  const states: ObjectState[] = [];
  const belongs = (object: KubeObject) => isOf(name, object.metadata.name);
  const last = new Map<string, string>();
  const observe = (kind: Kind<KubeObject>) =>
    client.watch(kind, { namespace: controlPlane, resourceVersion: "0" }, {
      event(event: WatchEvent<KubeObject>) {
        if (event.type === "BOOKMARK" || !belongs(event.object)) return;
        const state = neutralState({ ...event.object, kind: kind.kind }, run);
        const text = JSON.stringify([event.type === "DELETED", state]);
        if (last.get(event.object.metadata.name + kind.kind) === text) return;
        last.set(event.object.metadata.name + kind.kind, text);
        const entry = { t: Date.now() - started, type: event.type, ...state } as ObjectState; // of the form just made
        entries.push(entry);
        states.push(entry);
      },
      close() {},
    });
  const watches = [observe(Application), observe(ApplicationSet)];
  for (const object of input.objects) {
    const kind = kinds[object.kind];
    if (kind === undefined) throw new Error(`${file} creates a ${object.kind}`);
    const filled = JSON.parse(fill(JSON.stringify(object))) as KubeObject; // still of its kind
    await client.create(kind, { ...filled, metadata: { ...filled.metadata, namespace: controlPlane } });
    // The controllers' caches have to know of a project before its first Application.
    if (kind === AppProject) await sleep(300);
  }

  const actions: Action[] = [];
  for (const action of input.actions) {
    const { waited, do: what } = action;
    let reached: string | undefined;
    if (waited !== undefined) {
      const wanted = waited === "TIMED OUT" ? "healthy" : waited;
      const until = Date.now() + longestWaitMs;
      while (!hasReached(wanted, states) && Date.now() < until) await sleep(5);
      reached = hasReached(wanted, states) ? wanted : "TIMED OUT";
    } else if (what === "wait") {
      const before = input.actions[input.actions.indexOf(action) - 1]?.t ?? 0;
      await sleep(Math.max(0, action.t - before));
    }
    const t = Date.now() - started;
    const head = reached === undefined ? {} : { waited: reached };
    const result = await carryOut(what, { name, namespace, fill, commit, run });
    actions.push({ t, ...head, do: what });
    entries.push({ t, type: "ACTION", ...head, do: what, ...(result === undefined ? {} : { result }) });
  }
  await sleep(1000);
  const get = await printed("argocd", ["app", "get", name], run);
  const live = (await printed("kubectl", ["get", "deployment,service,configmap,job", "-n", namespace, "-o", "name"], run)).out
    .filter((line) => /^\w/.test(line) && line !== "configmap/kube-root-ca.crt");
  for (const watch of watches) watch.stop();
  const recorded: GitOpsRecording = {
    name,
    about,
    startedAtMs: started % 1000,
    input: { ...input, actions },
    recorded: entries as GitOpsRecording["recorded"],
    final: { get, live },
  };
  writeFileSync(file, layout(recorded));
  await clear(name, namespace);
  process.stdout.write(`${name}: ${entries.length} entries\n`);
}

interface Scenario {
  readonly name: string;
  readonly namespace: string;
  readonly fill: (text: string) => string;
  readonly commit: (changes: Readonly<Record<string, unknown>>) => unknown;
  readonly run: Identities;
}

async function carryOut(what: Action["do"], { name, fill, commit, run }: Scenario): Promise<unknown> {
  if (typeof what !== "string") {
    commit(what.commit);
    return "committed";
  }
  const [command = "", verb = "", ...rest] = what.split(" ");
  switch (command) {
    case "wait":
      return undefined;
    case "refresh": {
      const body = { metadata: { annotations: { "argocd.argoproj.io/refresh": verb } } };
      await client.patch(Application, { namespace: controlPlane, name }, { type: "merge", body }).catch(unlessGone);
      return "annotated";
    }
    case "delete":
      await client.delete(kinds[verb] ?? Application, { namespace: controlPlane, name }, { propagationPolicy: "Background" });
      return "deleted";
    case "argocd":
    case "kubectl":
      return await printed(command, [verb, ...rest].map(fill), run);
    default:
      throw new Error(`nobody knows how to "${what}"`);
  }
}

/** Runs a program; what it wrote to both outputs, in order of lines. */
function printed(program: string, argv: readonly string[], run: Identities): Promise<{ exit: number; out: string[] }> {
  return new Promise((resolve) => {
    execFile("sh", ["-c", 'exec "$0" "$@" 2>&1 </dev/null', program, ...argv], { maxBuffer: 1 << 26 }, (error, stdout) => {
      const exit = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      const lines = neutralText(stdout, run)
        .split("\n")
        .map((line) => line.trimEnd())
        .filter((line) => !run.others.some((other) => line.includes(`argocd/${other}`)));
      const first = lines.findIndex((line) => line !== "");
      resolve({ exit, out: first < 0 ? [] : lines.slice(first, lines.findLastIndex((line) => line !== "") + 1) });
    });
  });
}

function writeCommit(folder: string, changes: Readonly<Record<string, unknown>>, fill: (text: string) => string): string {
  const git = (...argv: string[]) => execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@t", ...argv], { encoding: "utf8" });
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, ".git"))) git("init", "-q", "-b", "main");
  for (const [path, content] of Object.entries(changes)) {
    const full = join(folder, path);
    if (content === null) rmSync(full, { recursive: true });
    else {
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, fill(typeof content === "string" ? content : JSON.stringify(content, null, 2)));
    }
  }
  git("add", "-A");
  git("commit", "-q", "--allow-empty", "-m", "change");
  return git("rev-parse", "HEAD").trim();
}

/** Takes what an earlier recording of the name left. */
async function clear(name: string, namespace: string): Promise<void> {
  for (const kind of [ApplicationSet, Application, AppProject] as Kind<KubeObject>[]) {
    const { items } = await client.list(kind, { namespace: controlPlane });
    for (const { metadata } of items) {
      if (!isOf(name, metadata.name)) continue;
      const ref = { namespace: controlPlane, name: metadata.name };
      await client.delete(kind, ref).catch(unlessGone);
      await client.patch(kind, ref, { type: "merge", body: { metadata: { finalizers: null } } }).catch(unlessGone);
    }
  }
  const { items } = await client.list(Namespace);
  const own = items.filter(({ metadata }) => isOf(namespace, metadata.name) && isOf(name, metadata.name.slice(2)));
  for (const { metadata } of own) await client.delete(Namespace, { name: metadata.name }).catch(unlessGone);
  for (const { metadata } of own) {
    const gone = () => client.get(Namespace, { name: metadata.name }).then(() => false, (error) => isNotFound(error));
    while (!(await gone())) await sleep(100);
  }
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

/** One entry a line, as recordings are kept. */
function layout({ input, recorded, final, ...head }: GitOpsRecording): string {
  const lines = Object.entries(head).map(([key, value]) => `"${key}": ${JSON.stringify(value)},`);
  return `{\n${lines.join("\n")}\n"input": ${JSON.stringify(input)},\n"recorded": [\n${recorded.map((entry) => JSON.stringify(entry)).join(",\n")}\n],\n"final": ${JSON.stringify(final)}\n}\n`;
}

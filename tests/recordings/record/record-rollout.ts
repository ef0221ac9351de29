import { execFile } from "node:child_process";
import { join } from "node:path";
import { AnalysisRun } from "@tracegate/analysis";
import {
  Event,
  type Kind,
  type KubeObject,
  Namespace,
  ReplicaSet,
  type ResourceClient,
  Service,
} from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";
import { kindOfManifest } from "../manifests.ts";
import type { ControlPlane } from "./control-plane.ts";
import { startFakePrometheus } from "./fake-prometheus.ts";
import { neutralizer, shown, sinceStart } from "./neutral.ts";
import {
  type ActionInput,
  longestWaitMs,
  reactionMs,
  type ScenarioInput,
  settlingMs,
  stateReached,
  timedOut,
} from "./scenario.ts";

type Json = Record<string, unknown>;
type Entry = Json & { readonly t: number };

const recordedKinds: readonly Kind[] = [Rollout, AnalysisRun, ReplicaSet, Service];
/** The watches are open by then. */
const firstObjectMs = 300;
const pollMs = 20;

/** Runs a scenario against the real programs; resolves with the text of its recording. */
export async function recordRollout(
  { client, kubeconfig, check }: ControlPlane,
  peers: string,
  scenario: ScenarioInput,
): Promise<string> {
  const namespace = `rec-${scenario.name}`;
  const prometheus = await startFakePrometheus(scenario.input.prometheus);
  const neutral = neutralizer({ [prometheus.address]: "http://prometheus" });
  await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await at(nextMoment(scenario.startedAtMs ?? Math.floor(Math.random() * 1000)));
  const start = Date.now();
  const seen: Entry[] = [];
  const watches = watchAll(client, namespace, start, seen, neutral.learn);
  const plugin = (args: readonly string[]) =>
    run(join(peers, "kubectl-argo-rollouts"), [...args, "-n", namespace, "--kubeconfig", kubeconfig]);
  try {
    await at(start + firstObjectMs);
    for (const object of scenario.input.objects)
      await createObject(client, namespace, JSON.parse(realAddresses(JSON.stringify(object), prometheus.address)));
    const actions: Json[] = [];
    for (const action of scenario.input.actions ?? []) {
      const waited = await waitFor(client, namespace, action, start, actions.at(-1));
      const t = Date.now() - start;
      const result = await act(client, namespace, action.do, plugin);
      actions.push(withWaited({ t }, waited, action.do));
      seen.push({ t, ...withWaited({ type: "ACTION" }, waited, action.do), result });
    }
    await at(Date.now() + settlingMs);
    const view = await plugin(["get", "rollout", "web", "--no-color"]);
    check();
    const text = (value: unknown) => sinceStart(neutral.text(JSON.stringify(value)), start);
    return written(
      {
        name: scenario.name,
        about: scenario.about,
        startedAtMs: start % 1000,
        input: { ...scenario.input, actions },
      },
      distinct(seen.toSorted((a, b) => a.t - b.t)).map(text),
      view.out.map((line) => neutral.text(line).trimEnd()),
    );
  } finally {
    for (const watch of watches) watch.stop();
    await prometheus.stop();
    await client.delete(Namespace, { name: namespace });
  }
}

const withWaited = (before: Json, waited: string | undefined, action: ActionInput["do"]): Json => ({
  ...before,
  ...(waited === undefined ? {} : { waited }),
  do: action,
});

const realAddresses = (text: string, address: string): string => text.replaceAll("http://prometheus", address);

function watchAll(
  client: ResourceClient,
  namespace: string,
  start: number,
  seen: Entry[],
  learn: (object: KubeObject) => void,
) {
  const t = () => Date.now() - start;
  const close = (reason?: Error) => {
    if (reason !== undefined) throw reason;
  };
  const ofObjects = recordedKinds.map((kind) =>
    client.watch(kind, { namespace, resourceVersion: "0" }, {
      event(event) {
        if (event.type === "BOOKMARK") return;
        learn(event.object);
        seen.push({ t: t(), type: event.type, ...shown(event.object as KubeObject & Json) });
      },
      close,
    }),
  );
  const ofEvents = client.watch(Event, { namespace, resourceVersion: "0" }, {
    event(event) {
      if (event.type === "BOOKMARK") return;
      const { involvedObject, type = "", reason = "", message = "", count = 1, source } = event.object;
      if (source?.component !== "rollouts-controller") return;
      const text = `${type} ${reason}: ${message}`;
      const on = involvedObject.kind ?? "";
      seen.push({ t: t(), type: "EVENT", on, event: text, ...(count > 1 ? { count } : {}) });
    },
    close,
  });
  return [...ofObjects, ofEvents];
}

/** Each object's states that differ from the one before. */
function distinct(entries: readonly Entry[]): Entry[] {
  const last = new Map<string, string>();
  return entries.filter(({ t: _, type, ...rest }) => {
    if (rest["kind"] === undefined || type === "DELETED") return true;
    const { kind, metadata } = rest as { kind: string; metadata: { name: string } };
    const [key, state] = [`${kind}/${metadata.name}`, JSON.stringify(rest)];
    const isNew = last.get(key) !== state;
    last.set(key, state);
    return isNew;
  });
}

async function waitFor(
  client: ResourceClient,
  namespace: string,
  { t, after, waited }: ActionInput,
  start: number,
  previous: Json | undefined,
): Promise<string | undefined> {
  if (waited === undefined || waited === timedOut) {
    if (after === undefined) await at(start + (t ?? 0));
    else await at(start + Number(previous?.["t"] ?? firstObjectMs) + after);
    return waited;
  }
  const deadline = Date.now() + longestWaitMs;
  while (Date.now() < deadline) {
    const rollout = await client.get(Rollout, { namespace, name: "web" });
    const reached = stateReached(waited, rollout);
    if (reached === undefined) throw new Error(`'${waited}' is no state to wait for`);
    if (reached) {
      await at(Date.now() + reactionMs + (after ?? 0));
      return waited;
    }
    await at(Date.now() + pollMs);
  }
  return timedOut;
}

async function act(
  client: ResourceClient,
  namespace: string,
  action: ActionInput["do"],
  plugin: (args: readonly string[]) => Promise<{ exit: number; out: string[] }>,
): Promise<unknown> {
  if (typeof action !== "string") {
    try {
      await client.patch(Rollout, { namespace, name: "web" }, { type: "merge", body: action.patch });
      return "patched";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  if (action === "wait") return null;
  const { exit, out } = await plugin(action.split(" "));
  return { exit, out: out.length > 1 ? out : (out[0] ?? "") };
}

async function createObject(client: ResourceClient, namespace: string, object: Json): Promise<void> {
  const { kind, object: placed } = kindOfManifest(object, namespace);
  await client.create(kind, placed);
}

/** Both streams, line by line. */
function run(command: string, args: readonly string[]): Promise<{ exit: number; out: string[] }> {
  return new Promise((resolve) => {
    execFile(command, args, (error, stdout, stderr) => {
      // What its libraries log (a watch that ends) is not what it says.
      const said = stderr.replace(/^time=".*\n?/gm, "");
      const text = `${stdout}${said}`.replace(/\n$/, "");
      const exit = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ exit, out: text === "" ? [] : text.split("\n") });
    });
  });
}

/** The next time that is so far into a second. */
function nextMoment(phaseMs: number): number {
  const now = Date.now();
  return now + ((phaseMs - (now % 1000) + 1000) % 1000);
}

function at(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, time - Date.now())));
}

/** One entry a line: easy to read, and small changes stay small. */
function written(head: Json, recorded: readonly string[], view: readonly string[]): string {
  const fields = Object.entries(head).map(([key, value]) => `${JSON.stringify(key)}: ${spaced(JSON.stringify(value))}`);
  const list = (lines: readonly string[]) => (lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n]`);
  return `{\n${[
    ...fields,
    `"recorded": ${list(recorded.map(spaced))}`,
    `"finalView": ${list(view.map((line) => JSON.stringify(line)))}`,
  ].join(",\n")}\n}\n`;
}

/** JSON with a space after colons and commas that are not part of texts. */
const spaced = (json: string): string =>
  json.replace(/"(?:[^"\\]|\\.)*"|[:,]/g, (token) => (token === ":" || token === "," ? `${token} ` : token));

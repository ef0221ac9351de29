import { crds as analysisKinds } from "@tracegate/analysis";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { runArgocd } from "@tracegate/cli/argocd";
import { type Controller, createEventRecorder, startControllers, VirtualScheduler } from "@tracegate/controller-runtime";
import {
  Application,
  ApplicationSet,
  applicationController,
  applicationSetController,
  AppProject,
  cachedGit,
  crds,
  defaultProject,
  watchedByDefault,
} from "@tracegate/gitops";
import { type MemoryGit, type MemoryRepository, memoryGit } from "@tracegate/gitops/testing";
import {
  ConfigMap,
  CustomResourceDefinition,
  Deployment,
  isNotFound,
  Job,
  type Kind,
  type KubeObject,
  Namespace,
  type ResourceClient,
  Service,
} from "@tracegate/kube";
import { crds as rolloutKinds, Rollout, rolloutController } from "@tracegate/rollouts";
import { memoryStore } from "@tracegate/store";
import { startGarbageCollector, workloadControllers } from "@tracegate/workloads";
import { simulatedPods } from "@tracegate/workloads/testing";
import type { Difference, RunRecordings } from "./difference.ts";
import { kindFolder, namesIn, recordingsFolder, recordingsOf } from "./files.ts";
import { type Printed, runCommand, withLatency } from "./command.ts";
import { commandDifference, withoutFiles } from "./gitops-commands.ts";
import { runKubectl } from "./gitops-kubectl.ts";
import { unhurried } from "./unhurried.ts";
import { differencesOf, type ObjectState, operationRuns, type Tracks, tracksOf } from "./gitops-tracks.ts";

/** One file of `gitops/`. */
export interface GitOpsRecording {
  readonly name: string;
  readonly about: string;
  /** How far into a wall-clock second the scenario began. */
  readonly startedAtMs: number;
  readonly input: {
    readonly files: Readonly<Record<string, unknown>>;
    readonly objects: readonly KubeObject[];
    readonly actions: readonly Action[];
  };
  readonly recorded: readonly (ObjectState | ActionRecord)[];
  readonly final: { readonly get?: Printed; readonly live: readonly string[] };
}

interface ActionRecord {
  readonly type: "ACTION";
  readonly t: number;
  readonly do: Action["do"];
  readonly result?: Printed | string | null;
}

/** Something done to the world, after a time or when a state was reached. */
export interface Action {
  readonly t: number;
  readonly waited?: string;
  readonly do: string | { readonly commit: Readonly<Record<string, unknown>> };
}

/** Plays the scenarios of a folder. */
export const runGitOps: RunRecordings = async function* (folder, names) {
  const own = kindFolder(folder, "gitops");
  const others = [...new Set([...namesIn(own), ...namesIn(kindFolder(recordingsFolder, "gitops"))])];
  for (const { name, recording } of recordingsOf<GitOpsRecording>(own, names)) {
    yield { name, differences: await replayGitOps(recording, others).catch(brokenOff) };
  }
};

/** A recording that cannot be played to its end differs. */
const brokenOff = (error: unknown): Difference[] => [
  { what: "the run", expected: "its end", got: error instanceof Error ? error.message : String(error) },
];

/** From looking to writing. The recorded controller took 10 to 40 ms for a status, and some 30 for the objects of a kind. */
const passMs = 30;
/** From the start of a command until it asks for something: the recorded ones came up and connected in 70 to 110 ms. */
const startMs = 80;

const repoURL = "file:///repo";
const controlPlane = "argocd";
/** Any second will do; the phase within it is the recording's. */
const epoch = Date.UTC(2031, 1, 3, 10, 11, 12);

/**
 * Plays a recording's input on virtual time and says where the run parts from it; empty when they agree. Lines about `others` were
 * taken out of what was recorded.
 */
export async function replayGitOps(recording: GitOpsRecording, others: readonly string[]): Promise<Difference[]> {
  const world = createWorld(recording);
  const printed = new Map<number, Printed>();
  const states = await play(world, recording, printed);
  const recorded = recording.recorded.filter((entry): entry is ObjectState => entry.type !== "ACTION");
  const stale = staleRefreshes(recording).length > 0;
  const own = tracksOf(named(states, world.repository));
  own["live"] = named(await liveNames(world, recording.final.live), world.repository);
  const expected: Tracks = tracksOf(named(recorded, world.repository));
  const live = recording.final.live.filter((name) => /^(deployment|service|configmap|job)/.test(name)).sort();
  expected["live"] = named(live, world.repository);
  const differences = differencesOf(expected, own);
  const run = { name: recording.name, others, commits: world.repository.commits, stale };
  for (const [index, { do: what, result }] of actionsOf(recording).entries()) {
    const ours = printed.get(index);
    if (ours === undefined || typeof what !== "string" || typeof result !== "object" || result === null) continue;
    const found = commandDifference(what, result, ours, run);
    if (found !== undefined) differences.push(found);
  }
  const { get } = recording.final;
  const asked = recording.input.objects.some(({ kind }) => kind === "Application") && get?.exit === 0;
  if (asked && get !== undefined) {
    const command = "argocd app get NAME";
    const found = commandDifference(command, get, await runArgo(world, command), run);
    if (found !== undefined) differences.push({ ...found, what: `at the end, ${found.what}` });
  }
  return differences;
}

interface World {
  readonly scheduler: VirtualScheduler;
  readonly client: ResourceClient;
  readonly git: MemoryGit;
  readonly repository: MemoryRepository;
  readonly name: string;
  readonly namespace: string;
}

function createWorld({ name, startedAtMs, input }: GitOpsRecording): World {
  const scheduler = new VirtualScheduler(epoch + startedAtMs);
  const api = createApi({ store: memoryStore(), clock: scheduler, random: seededRandom() });
  const git = memoryGit();
  const repository = git.repository(repoURL);
  const world = { scheduler, client: embeddedClient(api), git, repository, name, namespace: `g-${name}` };
  repository.commit(filesOf(input.files, world));
  return world;
}

/** Numbers that repeat from run to run (mulberry32). */
function seededRandom(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** What was done and what it printed, in order. */
function actionsOf({ recorded }: GitOpsRecording): ActionRecord[] {
  return recorded.filter((entry): entry is ActionRecord => entry.type === "ACTION");
}

async function play(world: World, recording: GitOpsRecording, printed: Map<number, Printed>): Promise<ObjectState[]> {
  const { client, scheduler, git } = world;
  const withRollouts = JSON.stringify(recording.input.files).includes('"Rollout"');
  const definitions = [...crds, ...(withRollouts ? [...rolloutKinds, ...analysisKinds] : [])];
  for (const definition of definitions) await client.create(CustomResourceDefinition, definition);
  await makeNamespace(client, controlPlane);
  await client.create(AppProject, { ...defaultProject, metadata: { name: "default", namespace: controlPlane } });
  if (!lacksNamespace(recording)) await makeNamespace(client, world.namespace);

  const cached = cachedGit(git, { clock: scheduler, maxAgeMs: 1000 });
  const manager = startControllers({
    client,
    scheduler,
    controllers: [
      applicationController({
        client: unhurried(client, scheduler, passMs),
        clock: scheduler,
        git: cached,
        pollIntervalMs: 30_000,
        repoErrorGraceMs: 0,
        watchedKinds: [...watchedByDefault, ...(withRollouts ? [Rollout] : [])],
      }),
      applicationSetController({ client, clock: scheduler, git: cached }),
      ...surroundings(world, withRollouts),
    ],
  });
  const collector = startGarbageCollector({ client, scheduler });
  await scheduler.track(manager.synced);
  const states: ObjectState[] = [];
  const started = scheduler.now();
  const observe = <T extends KubeObject>(kind: Kind<T>) =>
    client.watch(
      kind,
      { namespace: controlPlane, resourceVersion: "" },
      {
        event: (event) => {
          if (event.type !== "BOOKMARK") states.push(stateOf(event.type, event.object, scheduler.now() - started));
        },
        close: () => {},
      },
    );
  const watches = [observe(Application), observe(ApplicationSet)];
  for (const object of recording.input.objects) {
    const kinds: Record<string, Kind<KubeObject>> = { Application, ApplicationSet, AppProject };
    const kind = kinds[object.kind];
    if (kind === undefined) throw new Error(`the recording creates a ${object.kind}, which the runner does not know`);
    const filled = fillIn(object, world);
    await client.create(kind, { ...filled, metadata: { ...filled.metadata, namespace: controlPlane } });
  }
  await scheduler.runUntilIdle();
  await act(world, recording, states, printed);
  for (const watch of watches) watch.stop();
  await manager.stop();
  await collector.stop();
  return states;
}

/** The destination was there beforehand, unless the sync was to make it or the real one missed it. */
export function lacksNamespace({ name, input, recorded }: GitOpsRecording): boolean {
  const missed = JSON.stringify(`namespaces "g-${name}" not found`).slice(1, -1);
  return JSON.stringify(input).includes("CreateNamespace=true") || JSON.stringify(recorded).includes(missed);
}

/** What surrounds the controllers under test. */
function surroundings({ client, scheduler }: World, withRollouts: boolean): readonly Controller[] {
  const events = (component: string) => createEventRecorder({ client, scheduler, component });
  return [
    ...workloadControllers({ client, clock: scheduler, events }),
    ...(withRollouts ? [rolloutController({ client, clock: scheduler, events: events("rollouts-controller") })] : []),
    simulatedPods({ client, clock: scheduler }),
  ];
}

async function makeNamespace(client: ResourceClient, name: string): Promise<void> {
  await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
}

async function act(
  world: World,
  recording: GitOpsRecording,
  states: readonly ObjectState[],
  printed: Map<number, Printed>,
): Promise<void> {
  const { scheduler } = world;
  // A stale self-heal of the real one ended in a refresh, which saw later commits early; the run is given that refresh.
  const stale = staleRefreshes(recording);
  let previous = { recorded: 0, ours: scheduler.now() };
  const pass = async (t: number) => {
    const until = previous.ours + Math.max(0, t - previous.recorded);
    await scheduler.advanceTo(Math.max(scheduler.now(), until));
  };
  for (const [index, action] of recording.input.actions.entries()) {
    for (const { name, t } of stale.filter((entry) => entry.t > previous.recorded && entry.t <= action.t)) {
      if (action.waited !== undefined) continue;
      await pass(t);
      await refresh(world, name);
      previous = { recorded: t, ours: scheduler.now() };
    }
    if (action.waited === undefined || action.waited === "TIMED OUT") {
      // What a real controller did between a sync and the wait after it takes no time here.
      const before = recording.input.actions[index - 1]?.do;
      const argocd = (what: Action["do"] | undefined, verb: string) =>
        typeof what === "string" && what.startsWith(`argocd app ${verb}`);
      const follows = argocd(action.do, "wait") && argocd(before, "");
      if (!follows) await pass(action.t);
    } else {
      // A state may be gone again when it is looked at: each counts.
      let looked = Math.max(0, states.length - 1);
      const reached = () => {
        for (; looked < states.length; looked++)
          if (hasReached(action.waited ?? "", states.slice(0, looked + 1))) return true;
        return hasReached(action.waited ?? "", states);
      };
      const inTime = await scheduler.advanceUntil(reached, scheduler.now() + 60_000);
      if (!inTime) throw new Error(`"${action.waited}" was not reached: ${JSON.stringify(states.at(-1)?.status)}`);
    }
    previous = { recorded: action.t, ours: scheduler.now() };
    const outcome = await carryOut(world, action);
    if (outcome !== undefined) printed.set(index, outcome);
    await scheduler.runUntilIdle();
  }
  await scheduler.advanceBy(1000);
}

function staleRefreshes(recording: GitOpsRecording): { name: string; t: number }[] {
  const states = recording.recorded.filter((entry): entry is ObjectState => entry.type !== "ACTION");
  const applications = Map.groupBy(states.filter(({ kind }) => kind === "Application"), ({ name }) => name);
  return [...applications].flatMap(([name, own]) => operationRuns(own).dropped.map(({ endedAt }) => ({ name, t: endedAt })));
}

/** Whether the recording's first Application is in the state that an action waited for. */
export function hasReached(wanted: string, states: readonly ObjectState[]): boolean {
  const applications = states.filter(({ kind }) => kind === "Application");
  const last = applications.findLast(({ name }) => name === applications[0]?.name);
  const { sync, health, operationState, conditions = [] } = last?.status ?? {};
  switch (wanted) {
    case "healthy":
      return sync?.status === "Synced" && health?.status === "Healthy" && last?.operation === undefined && operationState?.phase !== "Running";
    case "synced":
      return sync?.status === "Synced" && last?.operation === undefined;
    case "outofsync":
      return sync?.status === "OutOfSync";
    case "error":
      return conditions.length > 0;
    case "failed":
      return operationState?.phase === "Failed" || operationState?.phase === "Error";
    case "gone":
      return last?.type === "DELETED";
    case "progressing":
    case "degraded":
    case "suspended":
      return health?.status?.toLowerCase() === wanted;
    default:
      throw new Error(`the recording waits for "${wanted}", which the runner does not know`);
  }
}

async function carryOut(world: World, { do: what }: Action): Promise<Printed | undefined> {
  const { client, name, repository } = world;
  if (typeof what !== "string") {
    repository.commit(filesOf(what.commit, world));
    return undefined;
  }
  const [command = "", verb = ""] = what.split(" ");
  switch (command) {
    case "wait":
      return undefined;
    case "refresh":
      await refresh(world, name, verb === "hard" ? "hard" : "normal");
      return undefined;
    case "delete": {
      const kind: Kind<KubeObject> = verb === "Application" ? Application : ApplicationSet;
      await client.delete(kind, { namespace: controlPlane, name }, { propagationPolicy: "Background" });
      return undefined;
    }
    case "argocd":
      return await runArgo(world, what);
    case "kubectl":
      await runKubectl(
        client,
        what.split(" ").slice(1).map((word) => fillText(word, world)),
      );
      return undefined;
    default:
      throw new Error(`the recording runs "${what}", which the runner does not know`);
  }
}

/** Runs a command of our own argocd in this process. */
function runArgo(world: World, text: string): Promise<Printed> {
  const { client, git, scheduler } = world;
  const argv = text
    .split(" ")
    .slice(1)
    .map((word) => fillText(word, world));
  return runCommand(scheduler, async (io, clock) => {
    await clock.after(startMs);
    return await runArgocd(argv, {
      connect: () => ({ client: withLatency(client, clock), server: "http://SERVER", close: () => {} }),
      git,
      config: () => ({ path: "config", read: () => noContexts, write: () => {} }),
      ask: async () => undefined,
      clock,
      io,
    });
  });
}

const noContexts = { contexts: [], "current-context": "", servers: [], users: [] };

async function refresh({ client }: World, name: string, how: "normal" | "hard" = "normal"): Promise<void> {
  const body = { metadata: { annotations: { "argocd.argoproj.io/refresh": how } } };
  try {
    await client.patch(Application, { namespace: controlPlane, name }, { type: "merge", body });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function stateOf(type: ObjectState["type"], object: KubeObject, t: number): ObjectState {
  const { operation, status } = object as Application; // ApplicationSets have no operation and another status
  return {
    t,
    type,
    kind: object.kind,
    name: object.metadata.name,
    ...(object.metadata.deletionTimestamp === undefined ? {} : { deleting: true }),
    ...(operation === undefined ? {} : { operation }),
    ...(status === undefined ? {} : { status: status as NonNullable<ObjectState["status"]> }),
  };
}

/** Files as the recording tool wrote them: objects as YAML, `null` for a deletion. */
function filesOf(files: Readonly<Record<string, unknown>>, world: Pick<World, "name" | "namespace">): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      path,
      content === null ? null : fillText(typeof content === "string" ? content : JSON.stringify(content, null, 2), world),
    ]),
  );
}

function fillIn(object: KubeObject, world: Pick<World, "name" | "namespace">): KubeObject {
  return JSON.parse(fillText(JSON.stringify(object), world));
}

const fillText = (text: string, { name, namespace }: Pick<World, "name" | "namespace">): string =>
  text.replaceAll("NAMESPACE", namespace).replace(/\bNAME\b/g, name).replace(/\bREPO\b/g, repoURL);

/** Commits by their number, clock times by one word, as recordings have them. */
function named<T>(value: T, { commits }: MemoryRepository): T {
  let text = withoutFiles(JSON.stringify(value)).replace(/ at \d+:\d\d[AP]M/g, " at CLOCK");
  commits.forEach((commit, index) => {
    const name = `commit${index + 1}`;
    text = text.replaceAll(commit, name).replaceAll(commit.slice(0, 7), name);
  });
  return JSON.parse(text.replace(/(-(?:pre|post)?sync(?:fail)?-)\d{10}\b/g, "$1TIME"));
}

async function liveNames({ client, namespace }: World, recorded: readonly string[]): Promise<string[]> {
  if (recorded.length === 1 && recorded[0] === "") return []; // the namespace was not looked into
  const kinds: [Kind<KubeObject>, string][] = [
    [Deployment, "deployment.apps"],
    [Service, "service"],
    [ConfigMap, "configmap"],
    [Job, "job.batch"],
  ];
  const names: string[] = [];
  for (const [kind, prefix] of kinds) {
    const { items } = await client.list(kind, { namespace });
    names.push(...items.filter(({ metadata }) => metadata.name !== "kube-root-ca.crt").map(({ metadata }) => `${prefix}/${metadata.name}`));
  }
  return names.sort();
}

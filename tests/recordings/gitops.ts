import { crds as analysisKinds } from "@tracegate/analysis";
import { createApi, embeddedClient } from "@tracegate/apiserver";
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
  readHealth,
  renderApplication,
  renderHistory,
  requestRollback,
  requestSync,
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
import { kindFolder, recordingsOf } from "./files.ts";
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
  readonly final: { readonly get?: { readonly exit: number; readonly out: readonly string[] }; readonly live: readonly string[] };
}

interface ActionRecord {
  readonly type: "ACTION";
  readonly t: number;
  readonly do: Action["do"];
  readonly result?: { readonly exit: number; readonly out: readonly string[] };
}

interface Action {
  readonly t: number;
  readonly waited?: string;
  readonly do: string | { readonly commit: Readonly<Record<string, unknown>> };
}

/** Plays the scenarios of a folder. */
export const runGitOps: RunRecordings = async function* (folder, names) {
  for (const { name, recording } of recordingsOf<GitOpsRecording>(kindFolder(folder, "gitops"), names)) {
    yield { name, differences: await replayGitOps(recording) };
  }
};

/** Scenarios in which the destination namespace is not there beforehand. */
const withoutNamespace = new Set(["no-namespace", "create-namespace"]);
const repoURL = "file:///repo";
const controlPlane = "argocd";
/** Any second will do; the phase within it is the recording's. */
const epoch = Date.UTC(2031, 1, 3, 10, 11, 12);

/** Plays a recording's input on virtual time and says where the run parts from it; empty when they agree. */
export async function replayGitOps(recording: GitOpsRecording): Promise<Difference[]> {
  const world = createWorld(recording);
  const printed: Record<string, string[]> = {};
  const states = await play(world, recording, printed);
  const recorded = recording.recorded.filter((entry): entry is ObjectState => entry.type !== "ACTION");
  const own = tracksOf(named(states, world.repository));
  own["live"] = await liveNames(world, recording.final.live);
  const expected: Tracks = tracksOf(named(recorded, world.repository));
  Object.assign(own, printed);
  for (const [index, { do: what, result }] of actionsOf(recording).entries()) {
    const name = `${index} ${what}`;
    if (name in printed) expected[name] = withoutTimes(result?.out ?? []);
  }
  const asked = recording.input.objects.some(({ kind }) => kind === "Application") && recording.final.get?.exit === 0;
  if (asked && recording.final.get !== undefined && !staleRefreshes(recording).some(({ name }) => name === world.name)) {
    own["get"] = await shown(world);
    expected["get"] = withoutTimes(recording.final.get.out);
  }
  expected["live"] = recording.final.live.filter((name) => /^(deployment|service|configmap|job)/.test(name)).sort();
  return differencesOf(expected, own);
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

async function play(world: World, recording: GitOpsRecording, printed: Record<string, string[]>): Promise<ObjectState[]> {
  const { client, scheduler, git } = world;
  const withRollouts = JSON.stringify(recording.input.files).includes('"Rollout"');
  const definitions = [...crds, ...(withRollouts ? [...rolloutKinds, ...analysisKinds] : [])];
  for (const definition of definitions) await client.create(CustomResourceDefinition, definition);
  await makeNamespace(client, controlPlane);
  await client.create(AppProject, { ...defaultProject, metadata: { name: "default", namespace: controlPlane } });
  if (!withoutNamespace.has(recording.name)) await makeNamespace(client, world.namespace);

  const cached = cachedGit(git, { clock: scheduler, maxAgeMs: 1000 });
  const manager = startControllers({
    client,
    scheduler,
    controllers: [
      applicationController({
        client,
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
  printed: Record<string, string[]>,
): Promise<void> {
  const { scheduler } = world;
  // A stale self-heal of the real one ended in a refresh, which saw later commits early; the run is given that refresh.
  const stale = staleRefreshes(recording);
  let before = 0;
  for (const [index, action] of recording.input.actions.entries()) {
    const elapsed = Math.max(0, action.t - before);
    for (const { name, t } of stale.filter((entry) => entry.t > before && entry.t <= action.t)) {
      if (action.waited !== undefined) continue;
      await scheduler.advanceBy(Math.max(0, t - before));
      await refresh(world, name);
      before = t;
    }
    if (action.waited === undefined || action.waited === "TIMED OUT") await scheduler.advanceBy(Math.min(elapsed, Math.max(0, action.t - before)));
    else {
      const reached = () => hasReached(action.waited ?? "", states);
      const inTime = await scheduler.advanceUntil(reached, scheduler.now() + 60_000);
      if (!inTime) throw new Error(`"${action.waited}" was not reached: ${JSON.stringify(states.at(-1)?.status)}`);
    }
    before = action.t;
    await carryOut(world, action);
    await scheduler.runUntilIdle();
    const lines = await printedBy(world, action);
    if (lines !== undefined) printed[`${index} ${action.do}`] = lines;
  }
  await scheduler.advanceBy(1000);
}

function staleRefreshes(recording: GitOpsRecording): { name: string; t: number }[] {
  const states = recording.recorded.filter((entry): entry is ObjectState => entry.type !== "ACTION");
  const applications = Map.groupBy(states.filter(({ kind }) => kind === "Application"), ({ name }) => name);
  return [...applications].flatMap(([name, own]) => operationRuns(own).dropped.map(({ endedAt }) => ({ name, t: endedAt })));
}

/** Whether the recording's first Application is in the state that an action waited for. */
function hasReached(wanted: string, states: readonly ObjectState[]): boolean {
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

async function carryOut(world: World, { do: what }: Action): Promise<void> {
  const { client, git, name, namespace, repository } = world;
  if (typeof what !== "string") {
    repository.commit(filesOf(what.commit, world));
    return;
  }
  const own = { namespace: controlPlane, name };
  const [command = "", verb = "", ...rest] = what.split(" ");
  if (command === "wait") return;
  if (command === "refresh") return await refresh(world, name);
  if (command === "delete") {
    await client.delete(verb === "Application" ? Application : ApplicationSet, own, { propagationPolicy: "Background" });
    return;
  }
  if (command === "argocd" && verb === "app") {
    const [action, application] = rest;
    if (application !== "NAME") return;
    if (action === "sync") await requestSync(client, git, own, { dryRun: rest.includes("--dry-run") });
    if (action === "get" && rest.includes("--refresh")) await refresh(world, name);
    if (action === "rollback") await requestRollback(client, own, Number(rest[2])).catch(onlyRefusals);
    return;
  }
  if (command === "argocd") return;
  if (what.startsWith("kubectl scale deploy/web --replicas=3")) {
    await client.patch(Deployment, { namespace, name: "web" }, { type: "merge", body: { spec: { replicas: 3 } } });
  } else if (what.startsWith("kubectl delete svc/web")) await client.delete(Service, { namespace, name: "web" });
  else if (what.startsWith("kubectl get")) return;
  else if (what.startsWith("kubectl patch rollout web")) {
    const body = JSON.parse(what.slice(what.indexOf("{")));
    await client.patch(Rollout, { namespace, name: "web" }, { type: "merge", body }, { subresource: "status" });
  }
  else throw new Error(`the recording runs "${what}", which the runner does not know`);
}

/** A rollback that is refused leaves nothing to compare but what follows. */
function onlyRefusals(error: unknown): void {
  if (!(error instanceof Error) || error.name !== "ProblemError") throw error;
}

async function refresh({ client }: World, name: string): Promise<void> {
  const body = { metadata: { annotations: { "argocd.argoproj.io/refresh": "normal" } } };
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
  let text = JSON.stringify(value).replace(/ at \d+:\d\d[AP]M/g, " at CLOCK");
  commits.forEach((commit, index) => {
    text = text.replaceAll(commit, `commit${index + 1}`);
  });
  return JSON.parse(text);
}

/** What our own renderers print for a command of the recording. */
async function printedBy(world: World, { do: what }: Action): Promise<string[] | undefined> {
  if (what === "argocd app get NAME" || what === "argocd app get NAME --refresh") return await shown(world);
  if (what !== "argocd app history NAME") return undefined;
  const application = await world.client.get(Application, { namespace: controlPlane, name: world.name });
  return withoutTimes(withCommits(renderHistory(application).trimEnd(), world.repository).split("\n"));
}

function withCommits(text: string, { commits }: MemoryRepository): string {
  return commits.reduce(
    (lines, commit, index) => lines.replaceAll(commit, `commit${index + 1}`).replaceAll(commit.slice(0, 7), `commit${index + 1}`),
    text,
  );
}

/** What `argocd app get` prints. */
async function shown({ client, name, repository }: World): Promise<string[]> {
  const application = await client.get(Application, { namespace: controlPlane, name });
  const text = renderApplication(application, { url: `http://SERVER/applications/${name}`, health: await readHealth(client, application) });
  return withoutTimes(withCommits(text.trimEnd(), repository).split("\n"));
}

/** Times and commits were given other names than they had, so columns are no measure: runs of blanks count as one. */
function withoutTimes(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC/g, "DATE").replace(/ +/g, " ").trimEnd());
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

import { join } from "node:path";
import {
  AnalysisRun,
  analysisRunController,
  crds as analysisCrds,
  type HttpClient,
  jobProvider,
  prometheusProvider,
  webProvider,
} from "@tracegate/analysis";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { runArgoRollouts } from "@tracegate/cli/argo-rollouts";
import { createEventRecorder, startControllers, VirtualScheduler } from "@tracegate/controller-runtime";
import {
  CustomResourceDefinition,
  Event,
  type Kind,
  type KubeObject,
  Namespace,
  ReplicaSet,
  type ResourceClient,
  Service,
  StatusError,
} from "@tracegate/kube";
import { Rollout, rolloutController, crds as rolloutCrds } from "@tracegate/rollouts";
import { memoryStore } from "@tracegate/store";
import { workloadControllers } from "@tracegate/workloads";
import { simulatedPods } from "@tracegate/workloads/testing";
import type { Difference, RunRecordings } from "./difference.ts";
import { type Printed, runCommand, withLatency } from "./command.ts";
import { kindFolder, readJson, recordingsFolder, recordingsOf } from "./files.ts";
import { kindOfManifest } from "./manifests.ts";
import { firstLineDifference } from "./printed.ts";
import { answerer } from "./prometheus-answers.ts";
import { reactionMs, settlingMs, stateReached, timedOut } from "./record/scenario.ts";

type Json = Record<string, unknown>;

/** A recorded scenario; see `rollouts/README.md`. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly startedAtMs: number;
  readonly input: {
    readonly objects: readonly Json[];
    readonly prometheus?: readonly { readonly match: string; readonly values: readonly unknown[] }[];
    readonly actions?: readonly ScenarioAction[];
  };
  readonly recorded: readonly Recorded[];
  readonly finalView?: readonly string[];
}

interface ScenarioAction {
  readonly t: number;
  readonly waited?: string;
  readonly do: string | { readonly patch: Json };
}

interface Recorded extends Json {
  readonly t: number;
  readonly type: string;
  readonly kind?: string;
  readonly on?: string;
  readonly event?: string;
  readonly count?: number;
}

/** A state of one object and the moment since which it held, in milliseconds from the start. */
export interface State {
  readonly t: number;
  /** Its API times are named in it, and stand in `times`. */
  readonly state: Json;
  /** By path, in seconds after the start, rounded. */
  readonly times: ReadonlyMap<string, number>;
}

/** What happened: the states of every object in order, and how often each Event was told. */
export interface History {
  /** By `Kind/name`. */
  readonly states: ReadonlyMap<string, readonly State[]>;
  /** `Kind Type Reason: message` to its count. */
  readonly events: ReadonlyMap<string, number>;
  /** What `get rollout` showed at the end, line by line, without what differs from run to run. */
  readonly view: readonly string[];
  /** What the plugin's commands said, in order. */
  readonly outcomes: readonly Outcome[];
}

export interface Replay extends History {
  readonly client: ResourceClient;
  readonly namespace: string;
  readonly now: number;
}

export const loadScenario = (name: string): Scenario => readJson(join(recordingsFolder, "rollouts", `${name}.json`));

/** Replays the scenarios of a folder. */
export const runRollouts: RunRecordings = async function* (folder, names) {
  for (const { name, recording } of recordingsOf<Scenario>(kindFolder(folder, "rollouts"), names)) {
    yield { name, differences: [...differencesOf(await replay(recording), recordedHistory(recording))] };
  }
};

/** Where virtual time begins: any whole second does. */
const epoch = Date.parse("2030-01-01T00:00:00Z");
/** The recorder needed this long before it created the first object. */
const firstObjectMs = 310;

/** Runs a scenario against our controllers, in memory and on virtual time. `through` may put faults between them and the API. */
export async function replay(
  scenario: Scenario,
  through: (client: ResourceClient) => ResourceClient = (client) => client,
): Promise<Replay> {
  const start = epoch + scenario.startedAtMs;
  const scheduler = new VirtualScheduler(start);
  const client = embeddedClient(
    createApi({ store: memoryStore(), clock: scheduler, random: seeded(scenario.name) }),
  );
  const namespace = `rec-${scenario.name}`;
  for (const crd of [...rolloutCrds, ...analysisCrds]) await client.create(CustomResourceDefinition, crd);
  await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const manager = startControllers({
    client,
    scheduler,
    controllers: controllers(client, scheduler, scenario, through(client)),
  });
  await scheduler.runUntilIdle();
  const recorder = record(client, namespace, start, () => scheduler.now());
  await scheduler.advanceTo(start + firstObjectMs);
  for (const object of scenario.input.objects) await createObject(client, namespace, object);

  const outcomes: Outcome[] = [];
  let previous = { recorded: firstObjectMs, ours: scheduler.now() };
  for (const action of scenario.input.actions ?? []) {
    const atSameDistance = previous.ours + (action.t - previous.recorded);
    const reached = awaited(client, namespace, action.waited);
    if (reached === undefined) await scheduler.advanceTo(atSameDistance);
    else {
      await scheduler.advanceUntil(reached, atSameDistance + 20_000);
      // Not earlier than the recorder either: what counts whole seconds then counts the same ones.
      const reaction = action.waited === "condition" ? scheduler.now() : scheduler.now() + reactionMs;
      await scheduler.advanceTo(
        action.waited === "condition" ? reaction : Math.max(reaction, atSameDistance),
      );
    }
    const outcome = await act(client, namespace, action.do, scheduler);
    if (outcome !== undefined) outcomes.push(outcome);
    previous = { recorded: action.t, ours: scheduler.now() };
  }
  await scheduler.advanceTo(previous.ours + settlingMs);
  await scheduler.runUntilIdle();
  const view = (await runPlugin(client, namespace, ["get", "rollout", "web", "--no-color"], scheduler)).out;
  const history = recorder.finish(view.join("\n"), outcomes);
  await manager.stop();
  return { ...history, client, namespace, now: scheduler.now() };
}

function controllers(
  client: ResourceClient,
  scheduler: VirtualScheduler,
  scenario: Scenario,
  faulty: ResourceClient,
) {
  const recorder = (component: string) => createEventRecorder({ client, scheduler, component });
  const now = () => scheduler.now();
  const http = fakeHttp(scenario);
  const providers = {
    prometheus: prometheusProvider({ http, now }),
    web: webProvider({ http, now }),
    job: jobProvider({ client: faulty, now }),
  };
  return [
    ...workloadControllers({ client, clock: scheduler, events: recorder }),
    simulatedPods({ client, clock: scheduler, nodeName: "n1" }),
    analysisRunController({
      client: faulty,
      clock: scheduler,
      events: recorder("rollouts-controller"),
      providers,
    }),
    rolloutController({ client: unhurried(faulty, scheduler), clock: scheduler, events: recorder("rollouts-controller") }),
  ];
}

/** From looking to writing. Between 20 and 35 ms nothing that is compared changes. */
const passMs = 30;

/**
 * A client whose writes take a moment to be sent. The recorded controller needed some tens of milliseconds from looking
 * to writing; others, who are quicker, act in between.
 */
function unhurried(client: ResourceClient, scheduler: VirtualScheduler): ResourceClient {
  const later =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await scheduler.after(passMs);
      return call(...args);
    };
  return {
    ...client,
    create: later(client.create) as ResourceClient["create"], // the same signatures, later
    update: later(client.update) as ResourceClient["update"],
    patch: later(client.patch) as ResourceClient["patch"],
    delete: later(client.delete),
  };
}

/** Numbers in [0, 1) that are the same for the same text. */
function seeded(text: string): () => number {
  let state =
    Array.from(text).reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 16777619), 2166136261) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Prometheus and a web endpoint that answer as the scenario says. */
function fakeHttp({ input }: Scenario): HttpClient {
  const answer = answerer(input.prometheus);
  return async ({ url, body = "" }) => answer(url, body);
}

const kinds: readonly Kind[] = [Rollout, AnalysisRun, ReplicaSet, Service];

async function createObject(client: ResourceClient, namespace: string, manifest: Json): Promise<void> {
  const { kind, object } = kindOfManifest(manifest, namespace);
  await client.create(kind, object);
}

/** The test for the state that an action waited for; undefined where it waited for none, or in vain. */
function awaited(
  client: ResourceClient,
  namespace: string,
  waited: string | undefined,
): (() => Promise<boolean>) | undefined {
  if (waited === undefined || waited === timedOut) return undefined;
  return async () => stateReached(waited, await client.get(Rollout, { namespace, name: "web" })) === true;
}

async function act(
  client: ResourceClient,
  namespace: string,
  action: ScenarioAction["do"],
  scheduler: VirtualScheduler,
): Promise<Outcome | undefined> {
  if (typeof action !== "string") {
    try {
      await client.patch(Rollout, { namespace, name: "web" }, { type: "merge", body: action.patch });
      return patchOutcome("patched");
    } catch (error) {
      if (error instanceof StatusError) return patchOutcome(error.message);
      throw error;
    }
  }
  if (action === "wait") return undefined;
  const { exit, out } = await runPlugin(client, namespace, action.split(" "), scheduler);
  return { command: action, exit, out };
}

/** What became of a patch: `patched`, or what the API refused it with. */
const patchOutcome = (result: string): Outcome => ({ command: "patch", exit: 0, out: [result] });

/** A command of the plugin, with its exit code and what it printed. */
interface Outcome extends Printed {
  readonly command: string;
}

/** Runs a command of our own kubectl-argo-rollouts in this process. */
const runPlugin = (
  client: ResourceClient,
  namespace: string,
  argv: readonly string[],
  scheduler: VirtualScheduler,
): Promise<Printed> =>
  runCommand(scheduler, (io, clock) =>
    runArgoRollouts(argv, {
      connect: () => ({ client: withLatency(client, clock), namespace, close: () => {} }),
      clock,
      io,
    }),
  );

/** Watches the namespace as the recorder did. */
function record(client: ResourceClient, namespace: string, start: number, now: () => number) {
  const seen: { t: number; object: KubeObject }[] = [];
  const events = new Map<string, number>();
  const watches = kinds.map((kind) =>
    client.watch(
      kind,
      { namespace, resourceVersion: "0" },
      {
        event: (event) => {
          if (event.type === "ADDED" || event.type === "MODIFIED")
            seen.push({ t: now() - start, object: structuredClone(event.object) });
        },
        close: (reason) => {
          if (reason !== undefined) throw reason;
        },
      },
    ),
  );
  watches.push(
    client.watch(
      Event,
      { namespace, resourceVersion: "0" },
      {
        event: (event) => {
          if (event.type === "BOOKMARK") return;
          const { involvedObject, type, reason, message, count, source } = event.object;
          if (source?.component === "rollouts-controller")
            events.set(
              `${involvedObject.kind ?? ""} ${type ?? ""} ${reason ?? ""}: ${message ?? ""}`,
              count ?? 1,
            );
        },
        close: () => undefined,
      },
    ),
  );
  return {
    finish(view: string, outcomes: readonly Outcome[]): History {
      for (const watch of watches) watch.stop();
      return ourHistory(seen, events, view, outcomes, start);
    },
  };
}

const hashLabel = "rollouts-pod-template-hash";

function ourHistory(
  seen: readonly { t: number; object: KubeObject }[],
  events: ReadonlyMap<string, number>,
  view: string,
  outcomes: readonly Outcome[],
  start: number,
): History {
  const names = new Map<string, string>();
  let hashes = 0;
  for (const { object } of seen) {
    const hash = object.kind === "ReplicaSet" ? object.metadata.labels?.[hashLabel] : undefined;
    if (hash !== undefined && !names.has(hash)) names.set(hash, `hash${++hashes}`);
    const uid = object.kind === "AnalysisRun" ? object.metadata.uid : undefined;
    if (uid !== undefined) names.set(uid, "uid");
  }
  const neutral = (text: string): string =>
    [...names].reduce((all, [real, name]) => all.replaceAll(real, name), text);
  const states = new Map<string, State[]>();
  for (const { t, object } of seen) {
    const named = JSON.parse(sinceStart(neutral(JSON.stringify(object)), start)) as KubeObject & Json; // as it was, with other names
    add(states, `${object.kind}/${named.metadata.name}`, t, project(named));
  }
  return {
    states,
    events: new Map([...events].map(([text, count]) => [neutral(text), count])),
    view: bareView(neutral(view).split("\n")),
    outcomes: outcomes.map(({ command, exit, out }) => ({ command, exit, out: out.map(neutral) })),
  };
}

/** With API times in the form that recordings have. */
const sinceStart = (text: string, start: number): string =>
  text.replace(
    /(?<=")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?=")/g,
    (time) => `t+${Math.round((Date.parse(time) - start) / 1000)}s`,
  );

/** The recorded history in the same form. */
export function recordedHistory({ recorded, finalView = [] }: Scenario): History {
  const states = new Map<string, State[]>();
  const events = new Map<string, number>();
  for (const entry of recorded) {
    if (entry.type === "EVENT") events.set(`${entry.on ?? ""} ${entry.event ?? ""}`, entry.count ?? 1);
    else if (entry.kind !== undefined && kinds.some(({ kind }) => kind === entry.kind)) {
      const metadata = entry["metadata"] as { name: string }; // every recorded object is named
      add(states, `${entry.kind}/${metadata.name}`, entry.t, project(entry as unknown as KubeObject & Json));
    }
  }
  const outcomes = recorded.flatMap(({ type, do: action, result }) => {
    if (type !== "ACTION") return [];
    if (typeof result === "string") return [patchOutcome(result)];
    if (typeof action !== "string" || typeof result !== "object" || result === null) return [];
    return [recordedOutcome(action, result as { exit: number; out: string | string[] })]; // as the README says
  });
  return { states, events, view: bareView(finalView), outcomes };
}

const recordedOutcome = (command: string, { exit, out }: { exit: number; out: string | string[] }): Outcome => ({
  command,
  exit,
  out: typeof out === "string" ? out.split("\n") : out,
});

/** Lines without ages, pods' own names and widths: these differ from run to run. */
function bareView(lines: readonly string[]): string[] {
  return lines
    .map((line) =>
      line
        .replace(/[0-9a-f-]{36}(?=\.)/, "uid")
        .replace(/(hash\d+)-[a-z0-9]{5}(?= )/, "$1-POD")
        .replace(/ \d+(?:m\d*)?s(?= |$)/, "")
        .replace(/delay:\d+s/, "delay:SECONDS")
        .replace(/\s+/g, " ")
        .trimEnd(),
    )
    .filter((line) => !line.startsWith("NAME "));
}

function add(states: Map<string, State[]>, key: string, t: number, projected: Json): void {
  const list = states.get(key) ?? [];
  const times = new Map<string, number>();
  const state = withoutTimes(projected, "", times) as Json; // an object stays one
  if (JSON.stringify(list.at(-1)?.state) !== JSON.stringify(state)) list.push({ t, state, times });
  states.set(key, list);
}

/** Moves the API times of a state to `times`, so that states can be compared first without them. */
function withoutTimes(value: unknown, path: string, times: Map<string, number>): unknown {
  const seconds = typeof value === "string" ? /^t\+(-?\d+)s$/.exec(value)?.[1] : undefined;
  if (seconds !== undefined) {
    times.set(path, Number(seconds));
    return "a time";
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item, i) => withoutTimes(item, `${path}.${i}`, times));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      withoutTimes(inner, path === "" ? key : `${path}.${key}`, times),
    ]),
  );
}

/** What is compared of an object: all that must agree, in one form. */
function project(object: KubeObject & Json): Json {
  const status = (object["status"] ?? {}) as Json;
  const spec = (object["spec"] ?? {}) as Json;
  switch (object.kind) {
    case "Rollout": {
      const {
        conditions,
        observedGeneration,
        pauseConditions,
        currentStepHash,
        ...rest
      } = status;
      const list = (conditions ?? []) as { type: string; status: string; reason: string; message: string; lastTransitionTime?: string; lastUpdateTime?: string }[];
      return tidy({
        ...rest,
        observed: observedGeneration === String(object.metadata.generation),
        stepHash: currentStepHash,
        pauses: pauseConditions,
        conditions: Object.fromEntries(
          list.map(({ type, status: value, reason, message }) => [type, `${value} ${reason}: ${message}`]),
        ),
        conditionTimes: Object.fromEntries(
          list.map(({ type, lastTransitionTime, lastUpdateTime }) => [type, { lastTransitionTime, lastUpdateTime }]),
        ),
        revision: object.metadata.annotations?.["rollout.argoproj.io/revision"],
      });
    }
    case "AnalysisRun": {
      const { metricResults, ...rest } = status;
      const results = (metricResults ?? []) as Json[];
      return tidy({
        ...rest,
        metrics: Object.fromEntries(results.map((result) => [String(result["name"]), result])),
        terminate: spec["terminate"],
        args: spec["args"],
        labels: object.metadata.labels,
      });
    }
    case "ReplicaSet": {
      const { replicas, readyReplicas, availableReplicas } = status;
      const template = spec["template"] as { metadata?: { labels?: Json } } | undefined;
      return tidy({
        size: spec["replicas"],
        replicas,
        readyReplicas,
        availableReplicas,
        annotations: object.metadata.annotations,
        labels: object.metadata.labels,
        templateLabels: spec["templateLabels"] ?? template?.metadata?.labels,
      });
    }
    default:
      return tidy({ selector: spec["selector"], annotations: object.metadata.annotations });
  }
}

/** Without what means nothing: empty objects and lists, zeros, false, and with sorted keys. */
function tidy(value: Json): Json {
  const walk = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(walk);
    if (typeof item !== "object" || item === null) return item;
    const entries = Object.entries(item)
      .map(([key, inner]) => [key, walk(inner)] as const)
      .filter(([, inner]) => !isNothing(inner))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  };
  return walk(value) as Json; // an object stays one
}

const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === 0 ||
  value === false ||
  value === "" ||
  (typeof value === "object" && Object.keys(value).length === 0);

/**
 * A state that held at least this long was no transition: ours must show what the recording shows and the other way
 * round. Shorter ones depend on how many milliseconds writes took, and which of several pods came and went first.
 */
const settledMs = 240;

/** Events about one object that a recorder tells before it suppresses more. */
const eventBurst = 25;

/** What differs between two histories, the states of objects first; of each object no more than one state on each side. */
export function* differencesOf(ours: History, recorded: History): Generator<Difference> {
  for (const [key, states] of recorded.states) {
    const mine = ours.states.get(key);
    if (mine === undefined) {
      yield { what: key, expected: "an object", got: "none" };
      continue;
    }
    const lost = firstUnmatched(settled(states), mine);
    if (lost !== undefined) {
      const { own, other } = nearest(lost, mine);
      yield { what: key, at: `the recorded state at ${lost.t} ms, which never came`, expected: own, got: other };
    }
    const extra = firstUnmatched(settled(mine), states);
    if (extra !== undefined) {
      const { own, other } = nearest(extra, states);
      yield { what: key, at: `our state at ${extra.t} ms, which was not recorded`, expected: other, got: own };
    }
  }
  for (const key of ours.states.keys())
    if (!recorded.states.has(key)) yield { what: key, expected: "none", got: "an object" };
  // Even a transition must not show what the recording never does.
  const shown = new Set(recorded.states.get("Rollout/web")?.map(({ state }) => standing(state)));
  for (const { t, state } of ours.states.get("Rollout/web") ?? [])
    if (!shown.has(standing(state)))
      yield { what: "Rollout/web", at: `${t} ms`, expected: "a state that was recorded", got: standing(state) };
  yield* eventDifferences(ours, recorded);
  yield* outcomeDifferences(ours.outcomes, recorded.outcomes);
  const line = firstLineDifference("get rollout", recorded.view, ours.view);
  if (line !== undefined) yield line;
}

function* outcomeDifferences(ours: readonly Outcome[], recorded: readonly Outcome[]): Generator<Difference> {
  for (const [index, { command, exit, out }] of recorded.entries()) {
    const mine = ours[index];
    if (mine?.exit !== exit) {
      yield { what: `${command}: exit code`, expected: `${exit}`, got: `${mine?.exit}: ${mine?.out}` };
      continue;
    }
    const found = firstLineDifference(command, bareView(out), bareView(mine.out));
    if (found !== undefined) yield found;
  }
}

function* eventDifferences(ours: History, recorded: History): Generator<Difference> {
  const told = (kind: string): number =>
    [...ours.events].reduce((total, [text, count]) => total + (text.startsWith(`${kind} `) ? count : 0), 0);
  for (const [text, count] of recorded.events) {
    // Recorders, the real one too, go quiet after so many Events about one object.
    if (!ours.events.has(text) && told(text.split(" ")[0] ?? "") >= eventBurst) continue;
    const mine = ours.events.get(text);
    if (mine !== count) yield { what: `Event ${text}`, expected: `${count} times`, got: `${mine ?? 0} times` };
  }
  // The recorder sometimes came too late for the first Event.
  for (const text of ours.events.keys())
    if (!recorded.events.has(text) && !text.includes("RolloutAddedToInformer"))
      yield { what: `Event ${text}`, expected: "none", got: `${ours.events.get(text) ?? 0} times` };
}

/** Where a Rollout stands, in the words that people see. */
const standing = ({
  currentStepIndex = 0,
  phase = "",
  message = "",
  stableRS = "",
  currentPodHash = "",
}: Json): string =>
  `step ${String(currentStepIndex)} of ${String(currentPodHash)}, stable ${String(stableRS)}, ${String(phase)}: ${String(message)}`;

const settled = (states: readonly State[]): State[] =>
  states.filter(({ t }, i) => (states[i + 1]?.t ?? Number.POSITIVE_INFINITY) - t >= settledMs);

/** Every wanted state must occur among the others, in order. */
function firstUnmatched(wanted: readonly State[], among: readonly State[]): State | undefined {
  let at = 0;
  for (const state of wanted) {
    const text = JSON.stringify(state.state);
    const found = among.findIndex(
      (other, i) => i >= at && JSON.stringify(other.state) === text && timesAgree(state, other),
    );
    if (found < 0) return state;
    at = found;
  }
  return undefined;
}

/** Times are rounded, so they may be a second apart. */
const timesAgree = (one: State, other: State): boolean =>
  [...one.times].every(([path, seconds]) => Math.abs(seconds - (other.times.get(path) ?? seconds)) <= toleratedSeconds);

const toleratedSeconds = 1;

/** How a state differs from the most similar one on the other side: what each has there. */
function nearest(state: State, others: readonly State[]): { own: string; other: string } {
  const paths = described(state);
  let best: { count: number; own: string; other: string } | undefined;
  for (const candidate of others) {
    const theirs = described(candidate);
    const keys = [...new Set([...paths.keys(), ...theirs.keys()])].filter(
      (key) => paths.get(key) !== theirs.get(key),
    );
    const listed = (of: Map<string, string>) => keys.map((key) => `${key}: ${of.get(key) ?? "absent"}`).join("\n");
    if (best !== undefined && keys.length >= best.count) continue;
    best =
      keys.length === 0
        ? { count: 0, own: "at this place in the order", other: "the same state at another place" }
        : { count: keys.length, own: listed(paths), other: listed(theirs) };
  }
  return best ?? { own: JSON.stringify(state.state), other: "no state" };
}

/** Every value of a state by its path, times too. */
const described = ({ state, times }: State): Map<string, string> =>
  new Map([...flatten(state), ...[...times].map(([path, seconds]) => [path, `t+${seconds}s`] as const)]);

function flatten(value: unknown, path = ""): Map<string, string> {
  if (typeof value !== "object" || value === null) return new Map([[path, JSON.stringify(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [
      ...flatten(inner, path === "" ? key : `${path}.${key}`),
    ]),
  );
}

import { AnalysisRun } from "@tracegate/analysis";
import { type Kind, type KubeObject, ReplicaSet, Service } from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";
import type { Printed } from "./command.ts";

export type Json = Record<string, unknown>;

/** Objects of these kinds are compared. */
export const recordedKinds: readonly Kind[] = [Rollout, AnalysisRun, ReplicaSet, Service];

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

export interface ScenarioAction {
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
  /** The same as they were told, one after the other. */
  readonly told: readonly string[];
  /** What `get rollout` showed at the end, line by line, without what differs from run to run. */
  readonly view: readonly string[];
  /** What the plugin's commands said, in order. */
  readonly outcomes: readonly Outcome[];
}

/** What became of a patch: `patched`, or what the API refused it with. */
export const patchOutcome = (result: string): Outcome => ({ command: "patch", exit: 0, out: [result] });

/** A command of the plugin, with its exit code and what it printed. */
export interface Outcome extends Printed {
  readonly command: string;
}

const hashLabel = "rollouts-pod-template-hash";

/** What was seen of our own run, with what differs from run to run named as recordings name it. */
export function seenHistory(
  seen: readonly { t: number; object: KubeObject }[],
  told: readonly { readonly text: string; readonly count: number }[],
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
    events: new Map(told.map(({ text, count }) => [neutral(text), count])),
    told: told.map(({ text }) => neutral(text)),
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
  const told: string[] = [];
  for (const entry of recorded) {
    if (entry.type === "EVENT") {
      const text = `${entry.on ?? ""} ${entry.event ?? ""}`;
      events.set(text, entry.count ?? 1);
      told.push(text);
    } else if (entry.kind !== undefined && recordedKinds.some(({ kind }) => kind === entry.kind)) {
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
  return { states, events, told, view: bareView(finalView), outcomes };
}

const recordedOutcome = (command: string, { exit, out }: { exit: number; out: string | string[] }): Outcome => ({
  command,
  exit,
  out: typeof out === "string" ? out.split("\n") : out,
});

/** Lines without ages, pods' own names and widths: these differ from run to run. */
export function bareView(lines: readonly string[]): string[] {
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

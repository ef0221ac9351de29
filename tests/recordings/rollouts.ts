import { join } from "node:path";
import {
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
  Job,
  type KubeObject,
  Namespace,
  type ResourceClient,
  StatusError,
} from "@tracegate/kube";
import { Rollout, rolloutController, crds as rolloutCrds } from "@tracegate/rollouts";
import { memoryStore } from "@tracegate/store";
import { workloadControllers } from "@tracegate/workloads";
import { simulatedPods } from "@tracegate/workloads/testing";
import { type Printed, runCommand, withLatency } from "./command.ts";
import type { RunRecordings } from "./difference.ts";
import { kindFolder, readJson, recordingsFolder, recordingsOf } from "./files.ts";
import { kindOfManifest } from "./manifests.ts";
import { answerer } from "./prometheus-answers.ts";
import { reactionMs, settlingMs, stateReached, timedOut } from "./record/scenario.ts";
import { differencesOf } from "./rollout-differences.ts";
import { batched, patient, rolloutWriteMs, workloadWriteMs } from "./rollout-latency.ts";
import { unhurried } from "./unhurried.ts";
import {
  type History,
  type Json,
  type Outcome,
  patchOutcome,
  recordedHistory,
  recordedKinds,
  type Scenario,
  type ScenarioAction,
  seenHistory,
} from "./rollout-history.ts";

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
    ...workloadControllers({
      client: unhurried(client, scheduler, workloadWriteMs),
      clock: scheduler,
      events: recorder,
    }).map((controller) => (controller.kind === Job ? batched(controller, scheduler) : controller)),
    simulatedPods({ client, clock: scheduler, nodeName: "n1" }),
    analysisRunController({
      client: faulty,
      clock: scheduler,
      events: recorder("rollouts-controller"),
      providers,
    }),
    patient(
      rolloutController({
        client: unhurried(faulty, scheduler, rolloutWriteMs),
        clock: scheduler,
        events: recorder("rollouts-controller"),
      }),
      client,
      scheduler,
    ),
  ];
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

/** Runs a command of our own kubectl-argo-rollouts in this process. */
const runPlugin = (
  client: ResourceClient,
  namespace: string,
  argv: readonly string[],
  scheduler: VirtualScheduler,
): Promise<Printed> =>
  runCommand(scheduler, async (io, clock) => {
    // The recorder kept both streams, what was said of mistakes last.
    const said: string[] = [];
    const err = (text: string) => void said.push(text);
    const connect = () => ({ client: withLatency(client, clock), namespace, close: () => {} });
    const code = await runArgoRollouts(argv, { connect, clock, io: { ...io, err } });
    io.err(said.join(""));
    return code;
  });

/** Watches the namespace as the recorder did. */
function record(client: ResourceClient, namespace: string, start: number, now: () => number) {
  const seen: { t: number; object: KubeObject }[] = [];
  const events: { text: string; count: number }[] = [];
  const watches = recordedKinds.map((kind) =>
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
            events.push({
              text: `${involvedObject.kind ?? ""} ${type ?? ""} ${reason ?? ""}: ${message ?? ""}`,
              count: count ?? 1,
            });
        },
        close: () => undefined,
      },
    ),
  );
  return {
    finish(view: string, outcomes: readonly Outcome[]): History {
      for (const watch of watches) watch.stop();
      return seenHistory(seen, events, view, outcomes, start);
    },
  };
}


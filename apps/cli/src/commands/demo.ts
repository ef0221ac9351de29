import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wallClock } from "@tracegate/contracts";
import { evidenceArchive } from "@tracegate/evidence";
import { ApplicationSet } from "@tracegate/gitops";
import { Namespace, type ResourceClient } from "@tracegate/kube";
import {
  makeDirectory,
  runningPlatform,
  type StateDirectory,
  sandboxChoices,
  startPlatform,
  stateDirectory,
} from "@tracegate/platform";
import { renderRollout, rolloutView } from "@tracegate/rollouts";
import { parse } from "yaml";
import { command, common, type Io } from "../command.ts";
import { gateLines } from "../demo/gate-lines.ts";
import { progressLines } from "../demo/progress.ts";
import { createDemoRepository, type DemoRepository } from "../demo/repository.ts";
import { hotrod, type Snapshot } from "../demo/snapshot.ts";
import { type StoryListener, tellStory } from "../demo/story.ts";
import { summary, whereItServes } from "../demo/summary.ts";
import { timingNames, timings } from "../demo/timing.ts";
import { liveArea } from "../live-area.ts";
import { print } from "../output.ts";
import { type Painter, painter, rolloutPainter } from "../painter.ts";

const fieldManager = "tracegate-demo";
const tags = { good: "1.76.0", faulty: "1.76.0-faulty", slow: "1.76.0-slow" } as const;

export const demo = command({
  path: "demo",
  summary: "Release HotROD from a Git commit to all of the traffic, or back, on its own traces",
  details:
    "Starts the embedded platform, makes a Git repository with the example in `examples/hotrod`, releases HotROD\n" +
    "1.75.0 from it, commits 1.76.0 and follows the release to its verdict. Then it serves until Ctrl-C.\n" +
    "Exits 0 when the release went through, 1 when a gate refused it.",
  examples: ["tracegate demo", "tracegate demo --release faulty --exit", "tracegate demo --timing source"],
  options: {
    state: common.state,
    release: {
      flags: "--release <kind>",
      help: "what is released: a good version, one that fails requests, one that is slow",
      choices: ["good", "faulty", "slow"],
      default: "good",
    },
    timing: {
      flags: "--timing <name>",
      help: "pace: as in a real cluster (2 min), short (30 s), or for tests (10 s)",
      choices: timingNames,
      default: "default",
    },
    sandbox: {
      flags: "--sandbox <kind>",
      help: "how pods run: in namespaces, as plain processes, or as the machine allows",
      choices: sandboxChoices,
      default: "auto",
    },
    exit: { flags: "--exit", help: "end after the verdict instead of serving on" },
    ports: {
      flags: "--ports <which>",
      help: "the usual ports (6443, 30100 to 30104) or free ones",
      choices: ["usual", "free"],
      default: "usual",
    },
    output: { ...common.output, help: "print the evidence for machines; progress goes to the error stream" },
  },
  async run({ state: path, release, timing: timingName, sandbox, exit, ports, output }, io) {
    const state = stateDirectory(path);
    const timing = timings[timingName];
    const paint = painter(io.colour);
    const tag = tags[release];
    const people = output === undefined ? io : { ...io, out: io.err, terminal: undefined };
    startAfresh(state, people);
    const platform = await startPlatform({
      state,
      ports,
      sandbox,
      // The example's manifests are our own; its traffic generator brings a shell's command.
      allowHostCommands: true,
      scrapeIntervalMs: timing.scrapeIntervalMs,
      gitPollMs: timing.gitPollMs,
      announce: (line) => people.out(`${line}\n`),
    });
    const show = people.terminal === undefined ? plainListener(people) : liveListener(people, paint);
    try {
      const { client } = platform;
      const repository = await createDemoRepository(join(state.repositories, "hotrod"), timing);
      show.chapter(`Git repository with the example: ${repository.directory}`);
      await applyExample(client, repository);
      const end = await tellStory({
        client,
        clock: wallClock,
        repository,
        tag,
        traffic: () => hasTraffic(platform.urls["Prometheus"] ?? ""),
        patienceMs: timing.name === "source" ? 600_000 : 120_000,
        listener: show,
        signal: io.signal,
      });
      const { evidence, directory } = await newestEvidence(state, end.revision);
      show.end();
      const { urls } = platform;
      print(io, output, { ...evidence, directory, urls, kubeconfig: state.kubeconfig }, () => {
        return `\n${summary(evidence, directory, paint)}`;
      });
      if (!exit) {
        people.out(`\nServing until Ctrl-C:\n\n${whereItServes(urls, state.kubeconfig)}`);
        await aborted(io.signal);
        people.out("\nStopping …\n");
      }
      return end.outcome === "promoted" ? 0 : 1;
    } catch (error) {
      show.end();
      if (!io.signal.aborted) throw error;
      people.out("\nStopping …\n");
      return 1;
    } finally {
      await platform.stop();
    }
  },
});

/** Hands the example to GitOps: the ApplicationSet is applied, all else comes out of Git. */
async function applyExample(client: ResourceClient, { appset }: DemoRepository): Promise<void> {
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "argocd" } };
  await client.patch(Namespace, { name: "argocd" }, { type: "apply", body }, { fieldManager });
  // Our own example, which the repository has just written.
  await client.create(ApplicationSet, parse(appset) as ApplicationSet, { fieldManager });
}

/** The state of an earlier demo is taken away; state that is not a demo's is kept and added to. */
function startAfresh(state: StateDirectory, io: Io): void {
  const marker = join(state.root, "demo");
  if (runningPlatform(state) !== undefined) return; // starting the platform says so
  if (existsSync(marker)) {
    io.out(`Starting afresh: the state of the demo before this one (${state.root}) is removed.\n`);
    rmSync(state.root, { recursive: true, force: true });
  }
  if (existsSync(state.root)) return;
  try {
    makeDirectory(state.root);
    writeFileSync(marker, "Made by `tracegate demo`, which removes this directory when it starts again.\n");
  } catch {
    // Starting the platform says in one line why the directory cannot be made.
  }
}

interface Listener extends StoryListener {
  end(): void;
}

function plainListener(io: Io): Listener {
  let before: Snapshot | undefined;
  return {
    chapter: (text) => io.out(`${text}\n`),
    look(snapshot) {
      for (const line of progressLines(before, snapshot)) io.out(`  ${line}\n`);
      before = snapshot;
    },
    end: () => {},
  };
}

function liveListener(io: Io, paint: Painter): Listener {
  const area = liveArea(io.out, () => ({
    columns: io.terminal?.columns ?? 80,
    rows: io.terminal?.rows ?? 24,
  }));
  return {
    chapter: (text) => area.print(`${text}\n`),
    look(snapshot) {
      const { applications, rollout, replicaSets, pods, runs: analysisRuns } = snapshot;
      const apps = applications.map(
        ({ metadata, status }) =>
          `${metadata.name} ${status?.sync?.status ?? "Unknown"}/${status?.health?.status ?? "Unknown"}`,
      );
      const tree =
        rollout === undefined
          ? []
          : renderRollout(rolloutView({ rollout, replicaSets, pods, analysisRuns }), {
              now: wallClock.now(),
              paint: rolloutPainter(io.colour),
            }).split("\n");
      const gates = gateLines(newest(analysisRuns), paint);
      area.draw(["", paint.dim(`Applications: ${apps.join("   ")}`), "", ...tree, "", ...gates]);
    },
    end: () => area.end(),
  };
}

const newest = (runs: Snapshot["runs"]) =>
  runs
    .toSorted((a, b) =>
      (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? ""),
    )
    .at(-1);

/** Whether the TSDB has seen requests reach HotROD: asked of Prometheus' API, as anybody could. */
async function hasTraffic(prometheus: string): Promise<boolean> {
  const query = new URLSearchParams({ query: "sum(hotrod_requests_total) > 0" });
  const answer = await fetch(`${prometheus}/api/v1/query?${query}`);
  if (!answer.ok) return false;
  const { data } = (await answer.json()) as { data: { result: unknown[] } }; // Prometheus' envelope
  return data.result.length > 0;
}

/** The evidence controller writes when it sees the verdict, which may be a moment after we did. */
async function newestEvidence(state: StateDirectory, revision: number) {
  const archive = evidenceArchive(state.evidence);
  for (let waited = 0; ; waited += 50) {
    const newest = (await archive.read(hotrod, revision)).at(-1);
    if (newest !== undefined) return newest;
    if (waited > 10_000)
      throw new Error(`no evidence of revision ${revision} was written to ${state.evidence}`);
    await wallClock.after(50);
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

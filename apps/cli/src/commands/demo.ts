import { existsSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ProblemError, wallClock } from "@tracegate/contracts";
import {
  makeDirectory,
  type Platform,
  runningPlatform,
  type StateDirectory,
  sandboxChoices,
  startPlatform,
  stateDirectory,
} from "@tracegate/platform";
import { command, common, type ExitCode, type Io } from "../command.ts";
import { applyAppset } from "../demo/apply-appset.ts";
import { type Listener, storyListener } from "../demo/listener.ts";
import { mainJob, mainJobNamespaces } from "../demo/main-job.ts";
import { createDemoRepository } from "../demo/repository.ts";
import { type Watcher, watcher } from "../demo/story.ts";
import { summary, whereItServes } from "../demo/summary.ts";
import { type Timing, timingNames, timings } from "../demo/timing.ts";
import { type Level, levelNames, levels } from "../levels/index.ts";
import { playLevel } from "../levels/play.ts";
import { createLevelRepository } from "../levels/repository.ts";
import { verdictText, verifyLevel } from "../levels/verdict.ts";
import { worldOf } from "../levels/world.ts";
import { indented, print, shellQuoted } from "../output.ts";
import { painter } from "../painter.ts";
import { shellSetup } from "../shell-setup.ts";

const tags = { good: "1.76.0", faulty: "1.76.0-faulty", slow: "1.76.0-slow" } as const;

export const demo = command({
  path: "demo",
  summary: "Release HotROD from a Git commit to all of the traffic, or back, on its own traces",
  details:
    "Starts the embedded platform, makes a Git repository with the example in `examples/hotrod`, releases HotROD\n" +
    "1.75.0 from it, commits 1.76.0 and follows the release to its verdict. Then it serves until Ctrl-C.\n" +
    "Exits 0 when the release went through, 1 when a gate refused it.\n\n" +
    "With --level it plays a level of `examples/levels` instead; with --broken or --fault as its reader finds it.\n" +
    "`tracegate verify LEVEL` says what is left to mend.",
  examples: [
    "tracegate demo",
    "tracegate demo --release faulty --exit",
    "tracegate demo --timing source",
    "tracegate demo --level expert --broken",
    "tracegate demo --level intermediate --fault inverted-condition",
  ],
  options: {
    state: common.state,
    release: {
      flags: "--release <kind>",
      help: "what is released: a good version, one that fails requests, one that is slow",
      choices: ["good", "faulty", "slow"],
      default: "good",
    },
    level: { flags: "--level <name>", help: "a level instead of the main job", choices: levelNames },
    broken: { flags: "--broken", help: "the level with all of its faults" },
    fault: { flags: "--fault <names>", help: "the level with these faults only, separated by commas" },
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
      help: "the usual ports (6443, 30102, 30103) or free ones",
      choices: ["usual", "free"],
      default: "usual",
    },
    output: { ...common.output, help: "print the evidence for machines; progress goes to the error stream" },
  },
  async run(input, io) {
    const { state: path, timing: timingName, sandbox, exit, ports, output } = input;
    const level = input.level === undefined ? undefined : levels[input.level];
    const faults = chosenFaults(level, input);
    const state = stateDirectory(path);
    const timing = timings[timingName];
    const people = output === undefined ? io : { ...io, out: io.err, terminal: undefined };
    startAfresh(state, people);
    const platform = await startPlatform({
      state,
      ports,
      sandbox,
      // The examples' manifests are our own; their traffic generator brings a shell's command.
      allowHostCommands: true,
      scrapeIntervalMs: timing.scrapeIntervalMs,
      gitPollMs: timing.gitPollMs,
      announce: (line) => people.out(`${line}\n`),
    });
    const listener = storyListener(people, painter(io.colour));
    const stage: Stage = {
      io,
      output,
      people,
      platform,
      state,
      timing,
      listener,
      watcher: watcher({
        client: platform.client,
        clock: wallClock,
        namespaces: level?.namespaces ?? mainJobNamespaces,
        patienceMs: timing.name === "source" ? 600_000 : 120_000,
        listener,
        signal: io.signal,
        lacks: () => diskSpace(state.root),
      }),
    };
    try {
      const code =
        level === undefined
          ? await tellMainJob(stage, tags[input.release])
          : await tellLevel(stage, level, faults);
      if (!exit) {
        // A level that is open has begun with them.
        const setup = level !== undefined && code !== 0 ? [] : shellSetup(state.kubeconfig, io.env);
        people.out(`\nServing until Ctrl-C:\n\n${whereItServes(platform.urls, setup)}`);
        await aborted(io.signal);
        people.out("\nStopping …\n");
      }
      return code;
    } catch (error) {
      listener.end();
      if (!io.signal.aborted) throw error;
      people.out("\nStopping …\n");
      return 1;
    } finally {
      await platform.stop();
    }
  },
});

/** What every story is told with. */
interface Stage {
  readonly io: Io;
  /** For people: the error stream where the output is for machines. */
  readonly people: Io;
  readonly output: "json" | "yaml" | undefined;
  readonly platform: Platform;
  readonly state: StateDirectory;
  readonly timing: Timing;
  readonly watcher: Watcher;
  readonly listener: Listener;
}

async function tellMainJob(stage: Stage, tag: string): Promise<ExitCode> {
  const { io, output, platform, state, timing, watcher, listener } = stage;
  const repository = await createDemoRepository(join(state.repositories, "hotrod"), timing);
  listener.chapter(`Git repository with the example: ${repository.directory}`);
  await applyAppset(platform.client, repository.appset);
  const prometheus = platform.urls["Prometheus"] ?? "";
  const { promoted, evidence, directory } = await mainJob({
    repository,
    tag,
    prometheus,
    state,
    watcher,
    listener,
  });
  listener.end();
  const { urls } = platform;
  print(io, output, { ...evidence, directory, urls, kubeconfig: state.kubeconfig }, () => {
    return `\n${summary(evidence, directory, painter(io.colour))}`;
  });
  return promoted ? 0 : 1;
}

async function tellLevel(stage: Stage, level: Level, faults: readonly string[]): Promise<ExitCode> {
  const { io, people, output, platform, state, timing, watcher, listener } = stage;
  const { client, urls } = platform;
  const broken = faults.length > 0;
  const repository = await createLevelRepository(join(state.repositories, level.name), level, faults, timing);
  listener.chapter(`Git repository of the level: ${repository.directory}`);
  await applyAppset(client, repository.appset);
  const prometheus = urls["Prometheus"] ?? "";
  await playLevel({ level, broken, repository, client, prometheus, watcher, listener });
  listener.end();
  const world = worldOf(client, { prometheus, jaeger: urls["Jaeger"] ?? "" });
  const verdict = await verifyLevel(level, world, repository.directory);
  const where = { repository: repository.directory, urls, kubeconfig: state.kubeconfig };
  print(
    io,
    output,
    { ...verdict, ...where },
    () => `\n${verdictText(verdict, painter(io.colour), io.terminal?.columns)}`,
  );
  if (!verdict.met) people.out(howToGoOn(level, repository.directory, stage));
  return verdict.met ? 0 : 1;
}

/** What a level's reader types from here on. */
function howToGoOn(level: Level, repository: string, { state, timing, io }: Stage): string {
  const { env, cwd, terminal } = io;
  const lines = (commands: readonly string[]) => commands.map((line) => `  ${line}\n`).join("");
  const own = relative(cwd, state.root) === ".tracegate" ? "" : ` --state ${shellQuoted(state.root)}`;
  return [
    `\nIn a second terminal:\n${lines(shellSetup(state.kubeconfig, env))}`,
    `\nLook:\n${lines(level.look)}`,
    "\nMend the manifests, and push:\n",
    lines([
      `cd ${shellQuoted(repository)}`,
      `git add ${level.path}/`,
      'git commit -m "Fix configuration"',
      "git push",
    ]),
    `\nAnd go on, as what you changed asks for:\n${lines(level.afterPush)}`,
    ...(timing.name === "source" && level.atSourcePace !== undefined
      ? indented(level.atSourcePace, "  ", terminal?.columns).map((line) => `${line}\n`)
      : []),
    `\nCheck:\n${lines([`tracegate verify ${level.name}${own}`])}`,
  ].join("");
}

/** @throws ProblemError where faults are asked of what has none. */
function chosenFaults(
  level: Level | undefined,
  { broken, fault }: { readonly broken: boolean; readonly fault: string | undefined },
): string[] {
  if (level === undefined) {
    if (!broken && fault === undefined) return [];
    throw new ProblemError({
      code: "input/level",
      message: `${broken ? "--broken" : "--fault"} belongs to a level`,
      advice: `Add --level ${levelNames.join("|")}`,
    });
  }
  const known = Object.keys(level.faults);
  if (fault === undefined) return broken ? known : [];
  const asked = fault.split(",").map((name) => name.trim());
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new ProblemError({
      code: "input/level",
      message: `the level ${level.name} has no fault ${JSON.stringify(unknown)}`,
      expected: known.join(", "),
    });
  }
  return known.filter((name) => asked.includes(name));
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

/** A disk that is full, or nearly. */
function diskSpace(directory: string): string[] {
  const { bavail, bsize } = statfsSync(directory);
  const freeMb = Math.floor((bavail * bsize) / 2 ** 20);
  return freeMb < 10 ? [`the disk is full: ${freeMb} MB are free in ${directory}`] : [];
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

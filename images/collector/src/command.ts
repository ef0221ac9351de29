import type { Components, Level, SourceAccess, Surroundings } from "@tracegate/collector";
import { Collector, checkConfig, readConfig, VERSION } from "@tracegate/collector";
import { parseArguments } from "./arguments.ts";

/** What the command needs of its process. */
export interface CommandWorld extends Omit<Surroundings, "fatal"> {
  readonly components: Components;
  readonly access: (warn: SourceAccess["warn"]) => SourceAccess;
  readonly cpus: number;
  /** Resolves with the next signal that the process gets. */
  readonly nextSignal: () => Promise<Signal>;
}

export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** `otelcol`: runs, validates or describes. Answers the exit code: 0 done, 1 failed, as the Collector has it. */
export async function runCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  try {
    const { command, configs, sets } = parseArguments(args);
    switch (command) {
      case "version":
        world.stdout(`otelcol-contrib version ${VERSION}\n`);
        return 0;
      case "help":
        world.stdout(HELP);
        return 0;
      case "components":
        world.stdout(describeComponents(world.components));
        return 0;
      case "validate": {
        const config = readConfig(configs, sets, world.access(ignore), world.components);
        const problems = checkConfig(config, world.components, { ...world, fatal: ignore });
        if (problems !== "") throw new Error(problems);
        return 0;
      }
      case "run":
        await run(configs, sets, world);
        return 0;
    }
  } catch (error) {
    const text = errorText(error);
    world.stderr(
      `Error: ${text}\n${goLogTime(world.clock.now())} collector server run finished with error: ${text}\n`,
    );
    return 1;
  }
}

const ignore = () => undefined;

/** From start to an orderly stop. SIGHUP reads the configuration again and starts anew. */
async function run(configs: readonly string[], sets: readonly string[], world: CommandWorld): Promise<void> {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(ignore);
  let collector = await startCollector(configs, sets, world, failed.reject);
  for (;;) {
    const signal = await Promise.race([world.nextSignal(), failed.promise]).catch(async (error: unknown) => {
      collector.log("error", "Asynchronous error received, terminating process", { error: String(error) });
      await collector.shutdown();
      throw error;
    });
    collector.log("info", "Received signal from OS", { signal: SIGNAL_NAMES[signal] });
    if (signal === "SIGHUP") collector.log("warn", "Config updated, restart service");
    await collector.shutdown();
    if (signal !== "SIGHUP") return;
    collector = await startCollector(configs, sets, world, failed.reject).catch((error: unknown) => {
      throw new Error(`failed to setup configuration components: ${errorText(error)}`, { cause: error });
    });
  }
}

async function startCollector(
  configs: readonly string[],
  sets: readonly string[],
  world: CommandWorld,
  fatal: (error: Error) => void,
): Promise<Collector> {
  const notes: { readonly level: Level; readonly message: string; readonly name: string }[] = [];
  const access = world.access((level, message, name) => notes.push({ level, message, name }));
  const config = readConfig(configs, sets, access, world.components);
  const collector = new Collector(config, world.components, { ...world, fatal });
  for (const { level, message, name } of notes) collector.log(level, message, { name });
  await collector.start(world.cpus);
  return collector;
}

const SIGNAL_NAMES: Readonly<Record<Signal, string>> = {
  SIGINT: "interrupt",
  SIGTERM: "terminated",
  SIGHUP: "hangup",
};

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Go's log package: local date and time without a zone. */
function goLogTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replaceAll("-", "/").replace("T", " ");
}

function describeComponents(components: Components): string {
  const section = (name: string, list: readonly { readonly type: string }[]) =>
    `${name}:\n${list.map(({ type }) => `    - name: ${type}\n`).join("")}`;
  return [
    `buildinfo:\n    command: otelcol-contrib\n    description: Tracegate's collector\n    version: ${VERSION}\n`,
    section("receivers", components.receivers),
    section("processors", components.processors),
    section("exporters", components.exporters),
    section("connectors", components.connectors),
    section("extensions", components.extensions),
    "providers:\n    - scheme: env\n    - scheme: file\n    - scheme: yaml\n",
  ].join("");
}

const HELP = `OpenTelemetry Collector pipelines, run by Tracegate

Usage:
  otelcol-contrib [flags]
  otelcol-contrib [command]

Available Commands:
  components  Outputs available components in this collector distribution
  validate    Validates the config without running the collector

Flags:
      --config    Locations to the config file(s) (env:, file:, yaml:); may be given more than once, later ones win
      --set       Set an arbitrary component config property, e.g. --set=exporters.debug.verbosity=detailed
      --version   Print the version
`;

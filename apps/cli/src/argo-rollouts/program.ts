import type { Clock } from "@tracegate/contracts";
import type { ResourceClient } from "@tracegate/kube";
import { type AnyFlags, type CobraProgram, UsageError } from "../cobra/command.ts";
import { helpText, usageText } from "../cobra/help.ts";
import { parseLine } from "../cobra/parse.ts";
import type { Io } from "../command.ts";
import { asksForWords, completion, namesFrom, wordsFor } from "./completion.ts";
import { type ConnectionFlags, connectionFlags } from "./connection.ts";
import { dashboard } from "./dashboard.ts";
import { getExperiment, listExperiments, retryExperiment, terminateExperiment } from "./experiments.ts";
import { get } from "./get.ts";
import { globals } from "./globals.ts";
import { groups } from "./groups.ts";
import { lint } from "./lint.ts";
import { list } from "./list.ts";
import { type Plugin, PluginError } from "./plugin.ts";
import { promote } from "./promote.ts";
import { refused } from "./refused.ts";
import { setImage } from "./set-image.ts";
import { status } from "./status.ts";
import { abort, pause, restart, retry } from "./steer.ts";
import { terminate } from "./terminate.ts";
import { undo } from "./undo.ts";
import { version } from "./version.ts";

const program: CobraProgram<Plugin> = {
  name: "kubectl-argo-rollouts",
  summary: "See and steer Rollouts",
  globals,
  groups,
  commands: [
    ...[get, getExperiment, list, listExperiments, status],
    ...[promote, abort, retry, retryExperiment, restart, undo, pause, setImage],
    ...[terminate, terminateExperiment, dashboard, lint, completion, version, ...refused],
  ],
};

/** Where the plugin finds its server, clock and terminal. */
export interface PluginEnvironment {
  /** Called at most once. */
  connect(flags: ConnectionFlags): {
    readonly client: ResourceClient;
    readonly namespace: string;
    close(): void;
  };
  readonly clock: Clock;
  readonly io: Io;
}

/** Runs one command line of the plugin; every mistake is `Error: …`, or the usage, and 1. */
export async function runArgoRollouts(
  argv: readonly string[],
  environment: PluginEnvironment,
): Promise<number> {
  const { io } = environment;
  if (asksForWords(argv)) return completeLine(argv.slice(1), environment);
  const parsed = parseLine(program, argv);
  switch (parsed.kind) {
    case "help":
      if (parsed.asked) io.out(helpText(program, parsed.path, parsed.command));
      else io.err(usageText(program, parsed.path, parsed.command));
      return parsed.asked ? 0 : 1;
    case "arguments":
      io.err(usageText(program, parsed.command.path, parsed.command));
      return 1;
    case "mistake":
      io.err(`Error: ${parsed.message}\n`);
      if (parsed.unknownCommand) io.err(`Run '${program.name} --help' for usage.\n`);
      return 1;
    case "run": {
      for (const [name, { deprecated }] of Object.entries(parsed.command.flags))
        if (deprecated !== undefined && parsed.given.has(name))
          io.err(`Flag --${name} has been deprecated, ${deprecated}\n`);
      const { plugin, close } = connectLater(parsed.flags, environment);
      try {
        return await parsed.command.run(parsed.args, parsed.flags, plugin);
      } catch (error) {
        if (error instanceof UsageError) {
          io.err(usageText(program, parsed.command.path, parsed.command));
          return 1;
        }
        if (io.signal.aborted && !(error instanceof PluginError)) return 130;
        io.err(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
        return 1;
      } finally {
        close();
      }
    }
  }
}

/** What commands work with; the connection is made when it is first asked for: `version` needs none. */
function connectLater(
  flags: AnyFlags,
  { connect, clock, io }: PluginEnvironment,
): { readonly plugin: Plugin; close(): void } {
  const text = (name: string) => String(flags[name] ?? "");
  let connection: ReturnType<typeof connect> | undefined;
  const connected = () => {
    const groups = flags["as-group"];
    connection ??= connect({
      // The names are those of the type.
      texts: Object.fromEntries(
        connectionFlags.map((name) => [name, text(name)]),
      ) as ConnectionFlags["texts"],
      insecure: flags["insecure-skip-tls-verify"] === true,
      groups: Array.isArray(groups) ? groups : [],
    });
    return connection;
  };
  return {
    close: () => connection?.close(),
    plugin: {
      get client() {
        return connected().client;
      },
      get namespace() {
        return text("namespace") || connected().namespace;
      },
      clock,
      io,
    },
  };
}

/** Answers a shell, which wants words and no complaints. */
async function completeLine(words: readonly string[], environment: PluginEnvironment): Promise<number> {
  const flags = parseLine(program, ["version", ...words.filter((word) => word !== "")]);
  const { plugin, close } = connectLater(flags.kind === "run" ? flags.flags : {}, environment);
  try {
    environment.io.out(await wordsFor(program, words, namesFrom(plugin)));
  } catch {
    environment.io.out(":1\n");
  } finally {
    close();
  }
  return 0;
}

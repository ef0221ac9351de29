import type { Clock } from "@tracegate/contracts";
import type { ResourceClient } from "@tracegate/kube";
import type { CobraProgram } from "../cobra/command.ts";
import { helpText } from "../cobra/help.ts";
import { parseLine } from "../cobra/parse.ts";
import type { Io } from "../command.ts";
import { get } from "./get.ts";
import { list } from "./list.ts";
import type { Plugin } from "./plugin.ts";
import { setImage } from "./set-image.ts";
import { status } from "./status.ts";
import { abort, pause, promote, restart, retry, terminate, undo } from "./steer.ts";
import { version } from "./version.ts";

const program: CobraProgram<Plugin> = {
  name: "kubectl argo rollouts",
  summary: "See and steer Rollouts",
  globals: {
    namespace: { type: "string", short: "n", help: "the namespace (default: of the kubeconfig's context)" },
    kubeconfig: { type: "string", help: "the kubeconfig file" },
    context: { type: "string", help: "the kubeconfig's context" },
  },
  commands: [get, list, status, promote, abort, retry, restart, undo, pause, setImage, terminate, version],
};

/** Where the plugin finds its server, clock and terminal. */
export interface PluginEnvironment {
  /** Called at most once. */
  connect(flags: { readonly kubeconfig: string; readonly context: string }): {
    readonly client: ResourceClient;
    readonly namespace: string;
    close(): void;
  };
  readonly clock: Clock;
  readonly io: Io;
}

/** Runs one command line of the plugin; every mistake is `Error: …` and 1. */
export async function runArgoRollouts(
  argv: readonly string[],
  { connect, clock, io }: PluginEnvironment,
): Promise<number> {
  const parsed = parseLine(program, argv);
  switch (parsed.kind) {
    case "help":
      io.out(helpText(program, parsed.path, parsed.command));
      return 0;
    case "arguments":
      io.err(helpText(program, parsed.command.path, parsed.command));
      return 1;
    case "mistake":
      io.err(`Error: ${parsed.message}\n`);
      return 1;
    case "run": {
      const flag = (name: string) => String(parsed.flags[name] ?? "");
      let connection: ReturnType<typeof connect> | undefined;
      // Made when first asked for: `version` needs no server.
      const connected = () => {
        connection ??= connect({ kubeconfig: flag("kubeconfig"), context: flag("context") });
        return connection;
      };
      try {
        return await parsed.command.run(parsed.args, parsed.flags, {
          get client() {
            return connected().client;
          },
          get namespace() {
            return flag("namespace") || connected().namespace;
          },
          clock,
          io,
        });
      } catch (error) {
        if (io.signal.aborted) return 130;
        io.err(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
        return 1;
      } finally {
        connection?.close();
      }
    }
  }
}

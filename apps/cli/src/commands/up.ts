import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ProblemError, wallClock } from "@tracegate/contracts";
import {
  openStateDirectory,
  readConfiguration,
  runningPlatform,
  type StateDirectory,
  sandboxChoices,
  startPlatform,
  stateDirectory,
} from "@tracegate/platform";
import { command, common, type ExitCode, type Io } from "../command.ts";
import { whereItServes } from "../demo/summary.ts";
import { print } from "../output.ts";
import { shellSetup } from "../shell-setup.ts";

const patienceMs = 60_000;

export const up = command({
  path: "up",
  summary: "Start the platform on a state directory, or go on where a stopped or killed one left off",
  examples: ["tracegate up", "tracegate up --detach", "tracegate up --state /tmp/lab --ports free"],
  options: {
    state: common.state,
    config: {
      flags: "--config <file>",
      help: "the user's own images and applications (default: ./tracegate.yaml)",
    },
    sandbox: {
      flags: "--sandbox <kind>",
      help: "how pods run: in namespaces, as plain processes, or as the machine allows",
      choices: sandboxChoices,
      default: "auto",
    },
    allowHostCommands: {
      flags: "--allow-host-commands",
      help: "in the plain sandbox, run commands that manifests bring: nothing isolates them",
    },
    detach: { flags: "-d, --detach", help: "serve in the background; `tracegate down` stops it" },
    ports: {
      flags: "--ports <which>",
      help: "the usual ports (6443, 30102, 30103) or free ones",
      choices: ["usual", "free"],
      default: "usual",
    },
    output: {
      ...common.output,
      help: "print where it serves for machines; progress goes to the error stream",
    },
  },
  async run({ state: path, config, sandbox, allowHostCommands, detach, ports, output }, io) {
    const state = stateDirectory(path);
    const configuration = readConfiguration({ cwd: io.cwd, file: config });
    if (detach) {
      const args = ["--ports", ports, "--sandbox", sandbox];
      if (configuration.file !== undefined) args.push("--config", configuration.file);
      if (allowHostCommands) args.push("--allow-host-commands");
      return startInBackground(state, args, output, io);
    }
    const people = output === undefined ? io : { ...io, out: io.err };
    const announce = (line: string) => people.out(`${line}\n`);
    const platform = await startPlatform({
      ...{ state, ports, configuration, sandbox, allowHostCommands, announce },
    });
    const { urls } = platform;
    print(io, output, { pid: process.pid, urls, kubeconfig: state.kubeconfig }, () => {
      return `\nServing until Ctrl-C:\n\n${whereItServes(urls, shellSetup(state.kubeconfig, io.env))}`;
    });
    if (!io.signal.aborted) {
      await new Promise<void>((resolve) =>
        io.signal.addEventListener("abort", () => resolve(), { once: true }),
      );
    }
    people.out("\nStopping …\n");
    await platform.stop();
    return 0;
  },
});

/** Starts the same program detached and waits until it serves; its lines go to `platform.log` in the state directory. */
async function startInBackground(
  state: StateDirectory,
  options: readonly string[],
  output: "json" | "yaml" | undefined,
  io: Io,
): Promise<ExitCode> {
  openStateDirectory(state);
  const logPath = join(state.root, "platform.log");
  const log = openSync(logPath, "w", 0o600);
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const args = [...process.execArgv, main, "up", "--state", state.root, ...options];
  const child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  let ended: number | undefined;
  child.on("exit", (code) => {
    ended = code ?? 1;
  });
  for (let waited = 0; waited < patienceMs; waited += 50) {
    await wallClock.after(50, io.signal);
    if (ended !== undefined) {
      io.err(readFileSync(logPath, "utf8"));
      return ended === 2 || ended === 3 ? ended : 1;
    }
    const running = runningPlatform(state);
    if (running?.pid !== child.pid || running?.server === "") continue;
    child.unref();
    const urls = running?.urls ?? {};
    print(io, output, { pid: child.pid, urls, kubeconfig: state.kubeconfig }, () => {
      return `Serving in the background (process ${child.pid}):\n\n${whereItServes(urls, shellSetup(state.kubeconfig, io.env))}`;
    });
    return 0;
  }
  throw new ProblemError({
    code: "platform/slow-start",
    where: logPath,
    message: `the platform does not serve after ${patienceMs / 1000} s`,
    advice: "Its log tells what it waits for",
  });
}

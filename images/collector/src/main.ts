import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { components, systemAccess } from "@tracegate/collector";
import { wallClock } from "@tracegate/contracts";
import { runCommand } from "./command.ts";

// otelcol as a process: real time, real streams, signals. What it does is in command.ts.
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => stopping.abort(signal));
}

process.exitCode = await runCommand(process.argv.slice(2), {
  components,
  access: (warn) => systemAccess(process.env, warn),
  clock: wallClock,
  random: Math.random,
  instanceId: randomUUID(),
  cpus: availableParallelism(),
  // Where pods share one network, the kubelet says which address "every address" means for this pod.
  bindHost: (host) =>
    host === "0.0.0.0" || host === "::" ? (process.env["TRACEGATE_BIND_ADDRESS"] ?? host) : host,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  listening: () => undefined,
  stopping: stopping.signal,
});

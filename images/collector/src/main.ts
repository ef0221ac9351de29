import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { components, systemAccess } from "@tracegate/collector";
import { wallClock } from "@tracegate/contracts";
import type { Signal } from "./command.ts";
import { runCommand } from "./command.ts";

// otelcol as a process: real time, real streams, signals. What it does is in command.ts.
const received: Signal[] = [];
let tell: ((signal: Signal) => void) | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (tell === undefined) received.push(signal);
    else tell(signal);
    tell = undefined;
  });
}

/** Signals are kept until somebody asks: one that comes during start-up ends the process right after it. */
function nextSignal(): Promise<Signal> {
  const early = received.shift();
  if (early !== undefined) return Promise.resolve(early);
  return new Promise((resolve) => {
    tell = resolve;
  });
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
  metricsEndpoint: "localhost:8888",
  listening: () => undefined,
  nextSignal,
});

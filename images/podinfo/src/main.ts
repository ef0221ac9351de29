// The process of a podinfo container.
import { once } from "node:events";
import type { Server } from "node:http";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfigFile } from "./config-file.ts";
import { flagUsages, parseFlags, UsageError } from "./flags.ts";
import { createGrpcServer, type GrpcOptions } from "./grpc.ts";
import { jsonLog } from "./log.ts";
import { createPodinfo } from "./podinfo.ts";
import { processMetrics } from "./process-metrics.ts";
import { revision } from "./release.ts";
import { configFile, readSettings, type Settings } from "./settings.ts";

/** How long podinfo still serves after it was told to end, unready, so that balancers can turn away. */
const drainMs = 3000;
/** Timers of Node take no more. */
const longestTimerMs = 2 ** 31 - 1;

const version = process.env["TRACEGATE_TAG"] ?? "6.9.3";
await run(readCommandLine());

function readCommandLine(): Parameters<typeof readSettings>[0]["flags"] {
  try {
    const given = parseFlags(process.argv.slice(2));
    if (given === "help") {
      process.stderr.write(`Usage of default:\n${flagUsages(version)}`);
      process.exit(0);
    }
    if (given.get("version") === "true") {
      console.log(version);
      process.exit(0);
    }
    return given;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`Error: ${error.message}\n\n${flagUsages(version)}`);
    process.exit(2);
  }
}

async function run(flags: ReturnType<typeof readCommandLine>): Promise<void> {
  const settings = await settingsOf(flags);
  const log = logAt(settings.level);
  const shared: GrpcOptions = {
    settings,
    version,
    // A pod's name, as the kubelet gives it: not every pod here has a host name of its own.
    hostname: process.env["HOSTNAME"] ?? hostname(),
    env: process.env,
    sleep: (ms) => sleep(Math.min(ms, longestTimerMs)),
    log,
    exit: (code) => process.exit(code),
  };
  const { server, metricsServer, health } = createPodinfo({
    ...shared,
    chance: Math.random,
    every: (ms, call) => {
      const timer = setInterval(call, ms);
      return () => clearInterval(timer);
    },
    nowMs: () => performance.now(),
    now: () => new Date(),
    processMetrics,
  });
  const crashed = (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    log("fatal", "http/server", "HTTP server crashed", { error: message });
    process.exit(1);
  };
  const end = async () => {
    health.healthy = false;
    health.ready = false;
    const timeout = settings.shutdownTimeoutMs / 1000;
    log("info", "signals/shutdown", "Shutting down HTTP/HTTPS server", { timeout });
    if (settings.level !== "debug") await sleep(drainMs);
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await Promise.race([closed, sleep(settings.shutdownTimeoutMs)]);
    process.exit(0);
  };
  let ending = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      // The second signal ends at once.
      if (ending) process.exit(1);
      ending = true;
      void end();
    });
  }

  log("info", "podinfo/main", "Starting podinfo", { version, revision, port: String(settings.port) });
  try {
    if (settings.port !== 0) {
      log("info", "http/server", "Starting HTTP Server.", { addr: `${settings.host}:${settings.port}` });
      await listen(server, settings.port, settings.host);
    }
    if (settings.metricsPort > 0) await listen(metricsServer, settings.metricsPort, "");
    // Last: it takes the longest to load, and the probes of most pods ask over HTTP.
    if (settings.grpcPort > 0) await serveGrpc(shared);
  } catch (error) {
    crashed(error);
  }
}

async function serveGrpc(options: GrpcOptions): Promise<void> {
  const { ServerCredentials } = await import("@grpc/grpc-js");
  const server = await createGrpcServer(options);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`[::]:${options.settings.grpcPort}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

async function settingsOf(flags: ReturnType<typeof readCommandLine>): Promise<Settings> {
  const sources = { flags, env: process.env };
  try {
    return readSettings({ ...sources, file: await readConfigFile(configFile(sources)) }, version);
  } catch (error) {
    logAt("info")("panic", "podinfo/main", error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

function logAt(level: Settings["level"]) {
  return jsonLog({ level, now: () => new Date(), write: (line) => void process.stderr.write(line) });
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  if (host === "") server.listen(port);
  else server.listen(port, host);
  await once(server, "listening");
}

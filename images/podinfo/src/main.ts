// The process of a podinfo container.
import { once } from "node:events";
import type { Server } from "node:http";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { createPodinfo } from "./podinfo.ts";
import { revision } from "./routes.ts";
import { parseSettings, type Settings } from "./settings.ts";

/** How long podinfo still serves after it was told to end, unready, so that balancers can turn away. */
const drainMs = 3000;

const version = process.env["TRACEGATE_TAG"] ?? "6.9.3";
const argv = process.argv.slice(2);
if (argv.includes("--version")) {
  console.log(version);
  process.exit(0);
}

try {
  await run(parseSettings(argv, process.env, version));
} catch (error) {
  console.error(`Error: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

async function run(settings: Settings): Promise<void> {
  const { server, metricsServer, health } = createPodinfo({
    settings,
    version,
    hostname: settings.hostname || hostname(),
    env: process.env,
    chance: Math.random,
    sleep: (ms) => sleep(ms),
    nowMs: () => performance.now(),
    exit: (code) => process.exit(code),
  });
  log("Starting podinfo", { version, revision, port: String(settings.port) });
  if (settings.port > 0) await listen(server, settings.port, settings.host);
  if (settings.metricsPort > 0) await listen(metricsServer, settings.metricsPort, "");

  const end = async () => {
    health.healthy = false;
    health.ready = false;
    log("Shutting down HTTP server", { timeout: `${settings.shutdownTimeoutMs / 1000}s` });
    if (settings.level !== "debug") await sleep(drainMs);
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await Promise.race([closed, sleep(settings.shutdownTimeoutMs)]);
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void end());

  function log(msg: string, fields: Readonly<Record<string, string>>): void {
    if (settings.level !== "debug" && settings.level !== "info") return;
    console.log(JSON.stringify({ level: "info", ts: new Date().toISOString(), msg, ...fields }));
  }
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  if (host === "") server.listen(port);
  else server.listen(port, host);
  await once(server, "listening");
}

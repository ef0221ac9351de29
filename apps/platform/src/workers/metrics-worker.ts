// The thread of the metric store: scraping, TSDB, PromQL and Prometheus' HTTP API, so that a heavy query never delays a
// reconcile.
import { rmSync } from "node:fs";
import { wallClock } from "@tracegate/contracts";
import { dialThroughAgent } from "@tracegate/kubelet";
import { createMetrics } from "@tracegate/metrics";
import { serveLoopback } from "./loopback-server.ts";
import type { MetricsWorkerData } from "./worker-messages.ts";
import { runWorker } from "./worker-side.ts";

await runWorker<MetricsWorkerData>(async ({ directory, port, unixPath, agentSocket, scrapeIntervalMs }) => {
  rmSync(unixPath, { force: true });
  const dial = (host: string, targetPort: number) => dialThroughAgent(agentSocket, host, targetPort);
  const metrics = createMetrics({ clock: wallClock, dir: directory, dial, scrapeIntervalMs });
  const server = await serveLoopback(metrics.handler, {
    ...{ port, unixPath },
    service: "prometheus-server.prometheus",
  });
  return {
    port: server.port,
    receive: (message) => {
      if (message.type === "pods") metrics.setPods(message.pods);
    },
    async stop() {
      server.close();
      metrics.close();
    },
  };
});

// The thread of the trace store: OTLP in, Jaeger's query API out.
import { chmodSync, rmSync } from "node:fs";
import { wallClock } from "@tracegate/contracts";
import { createTraces } from "@tracegate/traces";
import { serveLoopback } from "./loopback-server.ts";
import type { TracesWorkerData } from "./worker-messages.ts";
import { runWorker } from "./worker-side.ts";

await runWorker<TracesWorkerData>(async ({ database, port, queryPath, grpcPath, httpPath }) => {
  for (const path of [queryPath, grpcPath, httpPath]) rmSync(path, { force: true });
  const traces = createTraces({ clock: wallClock, path: database });
  await traces.listenGrpc({ path: grpcPath });
  await traces.listenHttp({ path: httpPath });
  for (const path of [grpcPath, httpPath]) chmodSync(path, 0o600);
  const server = await serveLoopback(traces.handler, {
    ...{ port, unixPath: queryPath },
    service: "jaeger-query.jaeger",
  });
  return {
    port: server.port,
    receive: () => {},
    async stop() {
      server.close();
      await traces.close();
    },
  };
});

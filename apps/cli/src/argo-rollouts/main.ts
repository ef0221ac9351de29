// The `kubectl-argo-rollouts` process, which kubectl starts for `kubectl argo rollouts …`.
import { wallClock } from "@tracegate/contracts";
import { createRemoteClient } from "@tracegate/controller-runtime";
import { processIo } from "../process-io.ts";
import { accessFrom } from "./connection.ts";
import { runArgoRollouts } from "./program.ts";

const io = processIo();
process.exit(
  await runArgoRollouts(process.argv.slice(2), {
    connect(flags) {
      const { access, namespace } = accessFrom(flags, io.env);
      const client = createRemoteClient(access);
      return { client, namespace, close: () => client.close() };
    },
    clock: wallClock,
    io,
  }),
);

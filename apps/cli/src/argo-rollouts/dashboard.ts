import { randomBytes } from "node:crypto";
import { formatTime } from "@tracegate/kube";
import { serveDashboard } from "./dashboard/server.ts";
import { command, PluginError } from "./plugin.ts";

const loopback = new Set(["127.0.0.1", "localhost"]);

export const dashboard = command({
  path: "dashboard",
  args: [0, Number.POSITIVE_INFINITY],
  summary: "Serve a web page of all Rollouts, to see and steer them",
  details:
    "Serves a web page of all Rollouts, to see and steer them, and the API below it, on this machine only.\n" +
    "It acts on the cluster with the rights that the kubeconfig gives.",
  examples: ["kubectl argo rollouts dashboard", "kubectl argo rollouts dashboard --port 8080"],
  flags: {
    address: { type: "string", default: "127.0.0.1", help: "address to listen on: loopback only" },
    port: { type: "number", short: "p", default: 3100, help: "port to listen on (0: a free one)" },
    "root-path": { type: "string", default: "rollouts", help: "path of the page" },
  },
  async run(_args, { address, port, "root-path": root }, { client, namespace, clock, io }) {
    if (!loopback.has(address))
      throw new PluginError(
        `--address ${address} is not supported: nobody is asked for a password, so it serves 127.0.0.1 only`,
      );
    const rootPath = root.replace(/^\/+|\/+$/g, "");
    if (!/^[\w.~/-]*$/.test(rootPath))
      throw new PluginError(`--root-path ${root} is no path of letters and digits`);
    const token = randomBytes(24).toString("base64url");
    const options = { client, namespace, clock, port, rootPath, token };
    const serving = await serveDashboard(options).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "bind: address already in use" : error.message;
      throw new PluginError(`listen tcp 127.0.0.1:${port}: ${why}`);
    });
    const where = `http://${address}:${serving.port}/${rootPath}`;
    const message = JSON.stringify(`Argo Rollouts Dashboard is now available at ${where}`);
    io.err(`time="${formatTime(clock.now())}" level=info msg=${message}\n`);
    if (!io.signal.aborted)
      await new Promise((resolve) => io.signal.addEventListener("abort", resolve, { once: true }));
    serving.close();
    return 0;
  },
});

import { renderStatus } from "@tracegate/rollouts";
import { viewOf } from "./objects.ts";
import { command, lookEveryMs, PluginError } from "./plugin.ts";

export const status = command({
  path: "status",
  use: "ROLLOUT_NAME",
  summary: "Say what a Rollout does until it is healthy or degraded",
  examples: [
    "kubectl argo rollouts status hotrod",
    "kubectl argo rollouts status hotrod --watch=false",
    "kubectl argo rollouts status hotrod --timeout 60s",
  ],
  args: [1, 1],
  flags: {
    watch: { type: "bool", short: "w", default: true, help: "wait until it is healthy or degraded" },
    timeout: { type: "duration", short: "t", help: "wait no longer than this (0: for ever)" },
  },
  async run([name = ""], { watch, timeout }, { client, namespace, clock, io }) {
    const end = timeout > 0 ? clock.now() + timeout : Number.POSITIVE_INFINITY;
    for (let before = ""; ; ) {
      const { phase, message } = await viewOf(client, namespace, name);
      const line = renderStatus({ phase, message });
      if (line !== before) io.out(`${line}\n`);
      before = line;
      if (phase === "Degraded")
        throw new PluginError(`The rollout is in a degraded state with message: ${message}`);
      if (!watch || phase === "Healthy") return 0;
      if (clock.now() >= end) throw new PluginError("Rollout status watch exceeded timeout");
      // Ctrl-C ends the wait as it ends any program.
      await clock.after(Math.min(lookEveryMs, end - clock.now()), io.signal);
    }
  },
});

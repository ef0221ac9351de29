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
    timeout: { type: "duration", short: "t", help: "wait no longer than this, such as 1s, 2m (0: for ever)" },
  },
  async run([name = ""], { watch, timeout }, { client, namespace, clock, io }) {
    const isOver = (phase: string) => phase === "Healthy" || phase === "Degraded";
    if (!watch) {
      const { phase, message } = await viewOf(client, namespace, name);
      io.out(`${isOver(phase) ? phase : `${phase} - ${message}`}\n`);
      if (phase === "Degraded") throw degraded(message);
      return 0;
    }
    const end = timeout > 0 ? clock.now() + timeout : Number.POSITIVE_INFINITY;
    for (let before = ""; ; ) {
      const { phase, message } = await viewOf(client, namespace, name);
      const line = message === "" ? phase : `${phase} - ${message}`;
      if (line !== before) io.out(`${line}\n`);
      before = line;
      if (phase === "Healthy") return 0;
      if (phase === "Degraded") throw degraded(message);
      // Ctrl-C ends the wait as the time does.
      if (clock.now() >= end || io.signal.aborted)
        throw new PluginError("Rollout status watch exceeded timeout");
      await clock.after(Math.min(lookEveryMs, end - clock.now()), io.signal).catch(() => {});
    }
  },
});

const degraded = (message: string): PluginError =>
  new PluginError(`The rollout is in a degraded state with message: ${message}`);

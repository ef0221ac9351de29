import { renderRollout } from "@tracegate/rollouts";
import { liveArea } from "../live-area.ts";
import { rolloutPainter } from "../painter.ts";
import { viewOf } from "./objects.ts";
import { command, lookEveryMs } from "./plugin.ts";

export const get = command({
  path: "get rollout",
  aliases: ["ro", "rollouts"],
  use: "ROLLOUT_NAME",
  summary: "Show a Rollout as a tree: steps, weights, ReplicaSets, pods, AnalysisRuns",
  examples: ["kubectl argo rollouts get rollout hotrod", "kubectl argo rollouts get rollout hotrod -w"],
  args: [1, 1],
  flags: {
    watch: { type: "bool", short: "w", help: "draw it again whenever it changes" },
    "no-color": { type: "bool", help: "do not use colours" },
    "timeout-seconds": { type: "number", help: "end the watch after so many seconds" },
  },
  async run([name = ""], flags, { client, namespace, clock, io }) {
    const { terminal } = io;
    const draw = async () =>
      renderRollout(await viewOf(client, namespace, name), {
        now: clock.now(),
        paint: rolloutPainter(io.colour && !flags["no-color"]),
        ...(terminal && { width: terminal.columns - 1 }),
      });
    if (!flags.watch) {
      io.out(`${await draw()}\n`);
      return 0;
    }
    const seconds = flags["timeout-seconds"];
    const end = seconds > 0 ? clock.now() + seconds * 1000 : Number.POSITIVE_INFINITY;
    const area = terminal && liveArea(io.out, () => terminal);
    for (let before = ""; !io.signal.aborted && clock.now() < end; ) {
      const text = await draw();
      if (area !== undefined) area.draw(text.split("\n"));
      else if (text !== before) io.out(`${text}\n\n`);
      before = text;
      await clock.after(lookEveryMs, io.signal).catch(() => {});
    }
    return 0;
  },
});

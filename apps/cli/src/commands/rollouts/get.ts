import { wallClock } from "@tracegate/contracts";
import { renderRollout } from "@tracegate/rollouts";
import { command, common } from "../../command.ts";
import { connect } from "../../connection.ts";
import { liveArea } from "../../live-area.ts";
import { print } from "../../output.ts";
import { rolloutPainter } from "../../painter.ts";
import { getRollout, viewOf } from "./objects.ts";

const lookEveryMs = 250;

export const get = command({
  path: "rollouts get",
  summary: "Show a Rollout as a tree: steps, weights, ReplicaSets, pods, AnalysisRuns",
  examples: [
    "tracegate rollouts get hotrod -n hotrod --watch",
    "tracegate rollouts get hotrod -n hotrod -o json",
  ],
  positionals: [{ name: "name", help: "the Rollout" }],
  options: {
    watch: { flags: "-w, --watch", help: "draw it again and again until Ctrl-C" },
    namespace: common.namespace,
    output: common.output,
    state: common.state,
  },
  async run({ name, watch, namespace, output, state }, io) {
    const client = connect(state, io);
    const { terminal } = io;
    const draw = async () =>
      renderRollout(await viewOf(client, namespace, name), {
        now: wallClock.now(),
        paint: rolloutPainter(io.colour),
        ...(terminal && { width: terminal.columns - 1 }),
      });
    try {
      if (!watch || output !== undefined) {
        const rollout = await getRollout(client, { namespace, name });
        const text = await draw();
        print(io, output, rollout, () => `${text}\n`);
        return 0;
      }
      const area = terminal && liveArea(io.out, () => terminal);
      for (let before = ""; !io.signal.aborted; ) {
        const text = await draw();
        if (area !== undefined) area.draw(text.split("\n"));
        else if (text !== before) io.out(`${text}\n\n`);
        before = text;
        await wallClock.after(lookEveryMs, io.signal).catch(() => {});
      }
      return 0;
    } finally {
      client.close();
    }
  },
});

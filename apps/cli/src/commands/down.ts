import { wallClock } from "@tracegate/contracts";
import { runningPlatform, stateDirectory } from "@tracegate/platform";
import { command, common } from "../command.ts";
import { print } from "../output.ts";

const patienceMs = 40_000;

export const down = command({
  path: "down",
  summary: "Stop the platform and its pods; the state stays",
  examples: ["tracegate down", "tracegate down --state /tmp/lab"],
  options: { state: common.state, output: common.output },
  async run({ state: path, output }, io) {
    const state = stateDirectory(path);
    const running = runningPlatform(state);
    if (running === undefined) {
      print(io, output, { stopped: false }, () => `No platform runs on ${state.root}.\n`);
      return 0;
    }
    process.kill(running.pid, "SIGTERM");
    for (let waited = 0; waited < patienceMs; waited += 50) {
      await wallClock.after(50, io.signal);
      if (runningPlatform(state)?.pid !== running.pid) {
        print(io, output, { stopped: true }, () => "Stopped.\n");
        return 0;
      }
    }
    io.err(
      `tracegate: process ${running.pid} has not ended after ${patienceMs / 1000} s; \`kill -9 ${running.pid}\` ends it\n`,
    );
    return 1;
  },
});

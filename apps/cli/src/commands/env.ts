import { ProblemError } from "@tracegate/contracts";
import { runningPlatform } from "@tracegate/platform";
import { command, common } from "../command.ts";
import { stateMeant } from "../connection.ts";
import { print } from "../output.ts";
import { shellSetup } from "../shell-setup.ts";

export const env = command({
  path: "env",
  summary: "Print the shell lines that point kubectl and others at the platform",
  examples: ['eval "$(tracegate env)" && kubectl get pods -A'],
  options: { state: common.state, output: common.output },
  async run({ state: path, output }, io) {
    const state = stateMeant(path, io);
    if (runningPlatform(state) === undefined) {
      throw new ProblemError({
        code: "unreachable/no-platform",
        where: state.root,
        message: "no platform runs on this state directory",
        advice: "Start one with `tracegate up`, or name another with --state DIR",
      });
    }
    print(io, output, { KUBECONFIG: state.kubeconfig }, () =>
      shellSetup(state.kubeconfig, io.env)
        .map((line) => `${line}\n`)
        .join(""),
    );
    return 0;
  },
});

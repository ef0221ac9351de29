import {
  abortRollout,
  type CommandPatches,
  promoteRollout,
  Rollout,
  retryRollout,
} from "@tracegate/rollouts";
import { command, common, type ExitCode, type Io } from "../../command.ts";
import { connect } from "../../connection.ts";
import { print } from "../../output.ts";
import { getRollout } from "./objects.ts";

const rolloutName = { name: "name", help: "the Rollout" } as const;

export const abort = command({
  path: "rollouts abort",
  summary: "Take a release back: all of the traffic returns to the stable version",
  examples: ["tracegate rollouts abort hotrod -n hotrod"],
  positionals: [rolloutName],
  options: { namespace: common.namespace, output: common.output, state: common.state },
  run: (input, io) => steer(input, io, abortRollout),
});

export const retry = command({
  path: "rollouts retry",
  summary: "Start an aborted release again from its first step",
  examples: ["tracegate rollouts retry hotrod -n hotrod"],
  positionals: [rolloutName],
  options: { namespace: common.namespace, output: common.output, state: common.state },
  run: (input, io) => steer(input, io, retryRollout),
});

export const promote = command({
  path: "rollouts promote",
  summary: "Go on from a pause, or skip the current step; --full skips all that is left",
  examples: [
    "tracegate rollouts promote hotrod -n hotrod",
    "tracegate rollouts promote hotrod -n hotrod --full",
  ],
  positionals: [rolloutName],
  options: {
    full: { flags: "--full", help: "skip all remaining steps, pauses and analyses" },
    namespace: common.namespace,
    output: common.output,
    state: common.state,
  },
  run: (input, io) => steer(input, io, (rollout) => promoteRollout(rollout, input.full)),
});

interface Steering {
  readonly name: string;
  readonly namespace: string;
  readonly output: "json" | "yaml" | undefined;
  readonly state: string;
}

/** Reads the Rollout, makes the command's patches, prints its line, or the Rollout as it is then. */
async function steer(
  { name, namespace, output: format, state }: Steering,
  io: Io,
  patches: (rollout: Rollout) => CommandPatches,
): Promise<ExitCode> {
  const client = connect(state, io);
  try {
    const ref = { namespace, name };
    let rollout = await getRollout(client, ref);
    const { spec, status, output } = patches(rollout);
    if (spec !== undefined) rollout = await client.patch(Rollout, ref, { type: "merge", body: { spec } });
    if (status !== undefined) {
      const patch = { type: "merge", body: { status } } as const;
      rollout = await client.patch(Rollout, ref, patch, { subresource: "status" });
    }
    print(io, format, rollout, () => `${output}\n`);
    return 0;
  } finally {
    client.close();
  }
}

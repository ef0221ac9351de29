import type { Ref } from "@tracegate/kube";
import {
  abortRollout,
  type CommandPatches,
  promoteRollout,
  Rollout,
  retryRollout,
} from "@tracegate/rollouts";
import { command, common, type ExitCode, type Io } from "../../command.ts";
import { connect } from "../../connection.ts";

const rolloutName = { name: "name", help: "the Rollout" } as const;

export const abort = command({
  path: "rollouts abort",
  summary: "Take a release back: all of the traffic returns to the stable version",
  examples: ["tracegate rollouts abort hotrod -n hotrod"],
  positionals: [rolloutName],
  options: { namespace: common.namespace, state: common.state },
  run: ({ name, namespace, state }, io) => steer({ namespace, name }, state, io, abortRollout),
});

export const retry = command({
  path: "rollouts retry",
  summary: "Start an aborted release again from its first step",
  examples: ["tracegate rollouts retry hotrod -n hotrod"],
  positionals: [rolloutName],
  options: { namespace: common.namespace, state: common.state },
  run: ({ name, namespace, state }, io) => steer({ namespace, name }, state, io, retryRollout),
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
    state: common.state,
  },
  run: ({ name, full, namespace, state }, io) =>
    steer({ namespace, name }, state, io, (rollout) => promoteRollout(rollout, full)),
});

/** Reads the Rollout, makes the command's patches, prints its line. */
async function steer(
  ref: Ref,
  state: string,
  io: Io,
  patches: (rollout: Rollout) => CommandPatches,
): Promise<ExitCode> {
  const client = connect(state, io);
  try {
    const { spec, status, output } = patches(await client.get(Rollout, ref));
    if (spec !== undefined) await client.patch(Rollout, ref, { type: "merge", body: { spec } });
    if (status !== undefined) {
      await client.patch(Rollout, ref, { type: "merge", body: { status } }, { subresource: "status" });
    }
    io.out(`${output}\n`);
    return 0;
  } finally {
    client.close();
  }
}

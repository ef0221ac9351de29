import type { Patch, Ref } from "@tracegate/kube";
import { abortPatches, promotePatches, Rollout, retryPatches, type SteeringPatch } from "@tracegate/rollouts";
import { command, common, type Io } from "../../command.ts";
import { connect } from "../../connection.ts";

const rolloutName = { name: "name", help: "the Rollout" } as const;

export const abort = command({
  path: "rollouts abort",
  summary: "Take a release back: all of the traffic returns to the stable version",
  examples: ["tracegate rollouts abort hotrod -n hotrod"],
  positionals: [rolloutName],
  options: { namespace: common.namespace, state: common.state },
  async run({ name, namespace, state }, io) {
    await steer({ namespace, name }, state, io, () => abortPatches());
    io.out(`rollout '${name}' aborted\n`);
    return 0;
  },
});

export const retry = command({
  path: "rollouts retry",
  summary: "Start an aborted release again from its first step",
  examples: ["tracegate rollouts retry hotrod -n hotrod"],
  positionals: [rolloutName],
  options: { namespace: common.namespace, state: common.state },
  async run({ name, namespace, state }, io) {
    await steer({ namespace, name }, state, io, () => retryPatches());
    io.out(`rollout '${name}' retried\n`);
    return 0;
  },
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
  async run({ name, full, namespace, state }, io) {
    await steer({ namespace, name }, state, io, (rollout) => promotePatches(rollout, { full }));
    io.out(`rollout '${name}' ${full ? "fully promoted" : "promoted"}\n`);
    return 0;
  },
});

async function steer(
  ref: Ref,
  state: string,
  io: Io,
  patches: (rollout: Rollout) => readonly SteeringPatch[],
): Promise<void> {
  const client = connect(state, io);
  try {
    const rollout = await client.get(Rollout, ref);
    for (const { body, subresource } of patches(rollout)) {
      const patch: Patch = { type: "merge", body };
      await client.patch(Rollout, ref, patch, subresource === undefined ? {} : { subresource });
    }
  } finally {
    client.close();
  }
}

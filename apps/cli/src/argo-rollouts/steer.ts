import { AnalysisRun } from "@tracegate/analysis";
import { ReplicaSet } from "@tracegate/kube";
import {
  abortRollout,
  type CommandPatches,
  pauseRollout,
  promoteRollout,
  Rollout,
  restartRollout,
  retryRollout,
  undoRollout,
} from "@tracegate/rollouts";
import { goDuration } from "../cobra/duration.ts";
import { command, type Plugin, PluginError } from "./plugin.ts";

const oneRollout = { use: "ROLLOUT_NAME", args: [1, 1] } as const;

export const abort = command({
  ...oneRollout,
  path: "abort",
  summary: "Take a release back: all of the traffic returns to the stable version",
  examples: ["kubectl argo rollouts abort hotrod"],
  run: ([name = ""], _flags, plugin) => steer(plugin, name, abortRollout),
});

export const pause = command({
  ...oneRollout,
  path: "pause",
  summary: "Hold a Rollout where it is",
  examples: ["kubectl argo rollouts pause hotrod"],
  run: ([name = ""], _flags, plugin) => steer(plugin, name, pauseRollout),
});

export const retry = command({
  ...oneRollout,
  path: "retry rollout",
  aliases: ["rollouts", "ro"],
  summary: "Start an aborted release again from its first step",
  examples: ["kubectl argo rollouts retry rollout hotrod"],
  run: ([name = ""], _flags, plugin) => steer(plugin, name, retryRollout),
});

export const promote = command({
  ...oneRollout,
  path: "promote",
  summary: "Go on from a pause, or skip the current step; --full skips all that is left",
  examples: ["kubectl argo rollouts promote hotrod", "kubectl argo rollouts promote hotrod --full"],
  flags: {
    full: { type: "bool", help: "skip all remaining steps, pauses and analyses" },
    "skip-current-step": { type: "bool", short: "c", help: "skip the current step (deprecated)" },
    "skip-all-steps": { type: "bool", short: "a", help: "skip all steps (deprecated)" },
  },
  run: ([name = ""], flags, plugin) =>
    steer(plugin, name, (rollout) => {
      const [one, all] = [flags["skip-current-step"], flags["skip-all-steps"]];
      if (one || all) return skipSteps(rollout, one, all);
      return promoteRollout(rollout, flags.full);
    }),
});

function skipSteps({ metadata, spec, status }: Rollout, one: boolean, all: boolean): CommandPatches {
  if (one && all)
    throw new PluginError("Cannot use skip-current-step and skip-all-steps flags at the same time");
  if (spec.strategy?.blueGreen !== undefined)
    throw new PluginError("Cannot skip steps of a bluegreen rollout. Run without a flags");
  const count = spec.strategy?.canary?.steps?.length ?? 0;
  if (count === 0) throw new PluginError("Cannot skip steps of a rollout without steps");
  const next = Math.min((status?.currentStepIndex ?? 0) + 1, count);
  return {
    ...(spec.paused === true ? { spec: { paused: false } } : {}),
    status: { pauseConditions: null, currentStepIndex: all ? count : next },
    output: `rollout '${metadata.name}' promoted`,
  };
}

export const restart = command({
  ...oneRollout,
  path: "restart",
  summary: "Replace the pods of a Rollout, without another version",
  examples: ["kubectl argo rollouts restart hotrod", "kubectl argo rollouts restart hotrod --in 10s"],
  flags: { in: { type: "duration", short: "i", help: "how long from now" } },
  run: ([name = ""], { in: wait }, plugin) =>
    steer(plugin, name, (rollout) => restartRollout(rollout, plugin.clock.now(), wait, goDuration(wait))),
});

export const undo = command({
  ...oneRollout,
  path: "undo",
  summary: "Put the template of an earlier revision back",
  examples: ["kubectl argo rollouts undo hotrod", "kubectl argo rollouts undo hotrod --to-revision=3"],
  flags: { "to-revision": { type: "number", help: "the revision (0: the one before)" } },
  async run([name = ""], flags, { client, namespace, io }) {
    const ref = { namespace, name };
    const rollout = await client.get(Rollout, ref);
    const { items } = await client.list(ReplicaSet, { namespace });
    const own = items.filter(({ metadata }) =>
      metadata.ownerReferences?.some(({ uid }) => uid === rollout.metadata.uid),
    );
    const { spec, output } = undoRollout(rollout, own, flags["to-revision"]);
    if (spec?.["template"] !== undefined) {
      // Replaced, not merged: what the earlier revision did not have goes.
      const operation = { op: "replace", path: "/spec/template", value: spec["template"] } as const;
      await client.patch(Rollout, ref, { type: "json", operations: [operation] });
    }
    io.out(`${output}\n`);
    return 0;
  },
});

export const terminate = command({
  path: "terminate analysisrun",
  aliases: ["analysisruns", "ar"],
  use: "ANALYSISRUN_NAME",
  summary: "End a running AnalysisRun",
  examples: ["kubectl argo rollouts terminate analysisrun hotrod-6c9d7b5f4d-2-1"],
  args: [1, 1],
  async run([name = ""], _flags, { client, namespace, io }) {
    await client.patch(
      AnalysisRun,
      { namespace, name },
      { type: "merge", body: { spec: { terminate: true } } },
    );
    io.out(`analysisRun '${name}' terminated\n`);
    return 0;
  },
});

/** Reads the Rollout, writes what the command makes of it (the status first, as the original does), prints its line. */
async function steer(
  { client, namespace, io }: Plugin,
  name: string,
  patches: (rollout: Rollout) => CommandPatches,
): Promise<number> {
  const ref = { namespace, name };
  const { spec, status, output } = patches(await client.get(Rollout, ref));
  if (status !== undefined)
    await client.patch(Rollout, ref, { type: "merge", body: { status } }, { subresource: "status" });
  if (spec !== undefined) await client.patch(Rollout, ref, { type: "merge", body: { spec } });
  io.out(`${output}\n`);
  return 0;
}

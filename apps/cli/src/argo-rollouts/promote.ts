import { type CommandPatches, promoteRollout, type Rollout } from "@tracegate/rollouts";
import { command, PluginError } from "./plugin.ts";
import { steer } from "./steer.ts";

export const promote = command({
  path: "promote",
  use: "ROLLOUT_NAME",
  args: [1, 1],
  summary: "Go on from a pause, or skip the current step; --full skips all that is left",
  examples: ["kubectl argo rollouts promote hotrod", "kubectl argo rollouts promote hotrod --full"],
  flags: {
    full: { type: "bool", help: "skip all remaining steps, pauses and analyses" },
    "skip-current-step": {
      type: "bool",
      short: "c",
      help: "skip the current step",
      deprecated: "use without the flag instead ex: promote ROLLOUT_NAME",
    },
    "skip-all-steps": {
      type: "bool",
      short: "a",
      help: "skip all steps",
      deprecated: "use --full instead",
    },
  },
  run: ([name = ""], flags, plugin) => {
    const [one, all] = [flags["skip-current-step"], flags["skip-all-steps"]];
    if (one && all)
      throw new PluginError("Cannot use skip-current-step and skip-all-steps flags at the same time");
    return steer(plugin, name, (rollout) =>
      one || all ? skipSteps(rollout, all) : promoteRollout(rollout, flags.full),
    );
  },
});

/** Moves on by the step alone: a pause that holds goes on holding until the controller comes by the next step. */
function skipSteps({ metadata, spec, status }: Rollout, all: boolean): CommandPatches {
  if (spec.strategy?.blueGreen !== undefined)
    throw new PluginError("Cannot skip steps of a bluegreen rollout. Run without a flags");
  const count = spec.strategy?.canary?.steps?.length ?? 0;
  if (count === 0) throw new PluginError("Cannot skip steps of a rollout without steps");
  const next = Math.min((status?.currentStepIndex ?? 0) + 1, count);
  return {
    status: { currentStepIndex: all ? count : next },
    output: `rollout '${metadata.name}' promoted`,
  };
}

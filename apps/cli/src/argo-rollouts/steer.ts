import {
  abortRollout,
  type CommandPatches,
  pauseRollout,
  Rollout,
  restartRollout,
  retryRollout,
} from "@tracegate/rollouts";
import { parseDuration } from "../cobra/duration.ts";
import { command, type Plugin, PluginError } from "./plugin.ts";

const one = { use: "ROLLOUT_NAME", args: [1, 1] } as const;
/** The original takes several names, too, and its help does not say so. */
const some = { use: "ROLLOUT_NAME", args: [1, Number.POSITIVE_INFINITY] } as const;

export const abort = command({
  ...some,
  path: "abort",
  summary: "Take a release back: all of the traffic returns to the stable version",
  details:
    "Takes a release back: all of the traffic returns to the stable version.\n\n" +
    "The template stays the new one. Put the earlier one back (undo), or try again (retry rollout).",
  examples: ["kubectl argo rollouts abort hotrod"],
  run: (names, _flags, plugin) => steerAll(plugin, names, abortRollout),
});

export const pause = command({
  ...some,
  path: "pause",
  summary: "Hold a Rollout where it is",
  examples: ["kubectl argo rollouts pause hotrod"],
  run: (names, _flags, plugin) => steerAll(plugin, names, pauseRollout),
});

export const retry = command({
  ...some,
  path: "retry rollout",
  aliases: ["ro", "rollouts"],
  summary: "Start an aborted release again from its first step",
  examples: ["kubectl argo rollouts retry rollout hotrod"],
  run: (names, _flags, plugin) => steerAll(plugin, names, retryRollout),
});

export const restart = command({
  ...one,
  use: "ROLLOUT",
  path: "restart",
  summary: "Replace the pods of a Rollout, without another version",
  examples: ["kubectl argo rollouts restart hotrod", "kubectl argo rollouts restart hotrod --in 10s"],
  flags: { in: { type: "string", short: "i", help: "how long from now, such as 30s, 5m, 1h" } },
  run: ([name = ""], { in: wait }, plugin) => {
    const ms = wait === "" ? 0 : parseDuration(wait);
    if (ms === undefined) throw new PluginError(`time: invalid duration "${wait}"`);
    return steer(plugin, name, (rollout) =>
      restartRollout(rollout, plugin.clock.now(), ms, wait === "" ? "0s" : wait),
    );
  },
});

async function steerAll(
  plugin: Plugin,
  names: readonly string[],
  patches: (rollout: Rollout) => CommandPatches,
): Promise<number> {
  for (const name of names) await steer(plugin, name, patches);
  return 0;
}

/** Reads the Rollout, writes what the command makes of it, prints its line. */
export async function steer(
  { client, namespace, io }: Pick<Plugin, "client" | "namespace" | "io">,
  name: string,
  patches: (rollout: Rollout) => CommandPatches,
): Promise<number> {
  const ref = { namespace, name };
  const wanted = patches(await client.get(Rollout, ref));
  await write(client, ref, wanted);
  io.out(`${wanted.output}\n`);
  return 0;
}

/** Writes the status first, as the original does. Resolves with the Rollout as it is then, where something was written. */
export async function write(
  client: Plugin["client"],
  ref: { readonly namespace: string; readonly name: string },
  { spec, status }: CommandPatches,
): Promise<Rollout | undefined> {
  let written: Rollout | undefined;
  if (status !== undefined)
    written = await client.patch(
      Rollout,
      ref,
      { type: "merge", body: { status } },
      { subresource: "status" },
    );
  if (spec !== undefined) written = await client.patch(Rollout, ref, { type: "merge", body: { spec } });
  return written;
}

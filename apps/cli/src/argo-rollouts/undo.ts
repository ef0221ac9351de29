import { ReplicaSet, type ResourceClient } from "@tracegate/kube";
import { type CommandPatches, Rollout, undoRollout } from "@tracegate/rollouts";
import { command } from "./plugin.ts";
import { templateOwner } from "./template-owner.ts";

export const undo = command({
  path: "undo",
  use: "ROLLOUT_NAME",
  args: [1, 1],
  summary: "Put the template of an earlier revision back",
  examples: ["kubectl argo rollouts undo hotrod", "kubectl argo rollouts undo hotrod --to-revision=3"],
  flags: { "to-revision": { type: "number", help: "the revision (0: the one before)" } },
  async run([name = ""], flags, { client, namespace, io }) {
    const { output } = await undoTo(client, { namespace, name }, flags["to-revision"]);
    io.out(`${output}\n`);
    return 0;
  },
});

/** Writes the template of a revision (0: the one before the current). */
export async function undoTo(
  client: ResourceClient,
  ref: { readonly namespace: string; readonly name: string },
  revision: number,
): Promise<CommandPatches> {
  const rollout = await client.get(Rollout, ref);
  const { items } = await client.list(ReplicaSet, { namespace: ref.namespace });
  const own = items.filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid }) => uid === rollout.metadata.uid),
  );
  const patches = undoRollout(rollout, own, revision);
  if (patches.spec?.["template"] !== undefined) {
    const { kind, object } = await templateOwner(client, rollout);
    // Replaced, not merged: what the earlier revision did not have goes.
    const operation = { op: "replace", path: "/spec/template", value: patches.spec["template"] } as const;
    const target = { namespace: ref.namespace, name: object.metadata.name };
    await client.patch(kind, target, { type: "json", operations: [operation] });
  }
  return patches;
}

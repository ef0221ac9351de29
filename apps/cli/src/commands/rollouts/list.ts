import { renderRolloutList } from "@tracegate/rollouts";
import { command, common } from "../../command.ts";
import { connect } from "../../connection.ts";
import { print } from "../../output.ts";
import { allViews } from "./objects.ts";

export const list = command({
  path: "rollouts list",
  summary: "List Rollouts: strategy, status, step, weight, replicas",
  examples: ["tracegate rollouts list -n hotrod", "tracegate rollouts list -A"],
  options: {
    namespace: common.namespace,
    all: common.allNamespaces,
    output: common.output,
    state: common.state,
  },
  async run({ namespace, all, output, state }, io) {
    const client = connect(state, io);
    try {
      const views = await allViews(client, all ? undefined : namespace);
      print(io, output, views, () => {
        if (views.length > 0) return `${renderRolloutList(views, { allNamespaces: all })}\n`;
        return all ? "No Rollouts.\n" : `No Rollouts in the namespace ${namespace}. -A lists those of all.\n`;
      });
      return 0;
    } finally {
      client.close();
    }
  },
});

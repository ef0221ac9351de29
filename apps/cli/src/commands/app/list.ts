import { Application, renderApplicationList } from "@tracegate/gitops";
import { command, common } from "../../command.ts";
import { connect } from "../../connection.ts";
import { print } from "../../output.ts";

export const list = command({
  path: "app list",
  summary: "List the GitOps Applications",
  examples: ["tracegate app list", "tracegate app list -o json"],
  options: { output: common.output, state: common.state },
  async run({ output, state }, io) {
    const client = connect(state, io);
    try {
      const { items } = await client.list(Application);
      print(io, output, items, () => renderApplicationList(items));
      return 0;
    } finally {
      client.close();
    }
  },
});

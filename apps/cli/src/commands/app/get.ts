import { wallClock } from "@tracegate/contracts";
import { Application, readHealth, renderApplication, requestRefresh } from "@tracegate/gitops";
import type { Ref, ResourceClient } from "@tracegate/kube";
import { command, common, type Io } from "../../command.ts";
import { connect } from "../../connection.ts";
import { print } from "../../output.ts";
import { appNamespace, refreshed } from "./application-ref.ts";

export const get = command({
  path: "app get",
  summary: "Show an Application: where it comes from, its state, its resources",
  examples: [
    "tracegate app get hotrod",
    "tracegate app get hotrod --refresh",
    "tracegate app get hotrod -o json",
  ],
  positionals: [{ name: "name", help: "the Application" }],
  options: {
    refresh: { flags: "--refresh", help: "ask Git for the newest commit first" },
    hardRefresh: { flags: "--hard-refresh", help: "and render anew what is cached" },
    namespace: appNamespace,
    output: common.output,
    state: common.state,
  },
  async run({ name, refresh, hardRefresh, namespace, output, state }, io) {
    const client = connect(state, io);
    try {
      const ref = { namespace, name };
      if (refresh || hardRefresh) await refreshNow(client, ref, hardRefresh ? "hard" : "normal", io);
      const application = await client.get(Application, ref);
      const health = await readHealth(client, application);
      print(io, output, application, () => renderApplication(application, { health }));
      return 0;
    } finally {
      client.close();
    }
  },
});

/** The controller takes the annotation away when it has compared. */
async function refreshNow(client: ResourceClient, ref: Ref, how: "normal" | "hard", io: Io): Promise<void> {
  await requestRefresh(client, ref, how);
  while (!refreshed(await client.get(Application, ref))) await wallClock.after(100, io.signal);
}

import { wallClock } from "@tracegate/contracts";
import { Application, commandGit, renderApplication, requestSync } from "@tracegate/gitops";
import { stateDirectory } from "@tracegate/platform";
import { command, common } from "../../command.ts";
import { connect } from "../../connection.ts";
import { print } from "../../output.ts";
import { appNamespace } from "./application-ref.ts";

export const sync = command({
  path: "app sync",
  summary: "Bring an Application to what Git says, and wait for it",
  details: "Exits 0 when the sync succeeded, 1 when it failed.",
  examples: ["tracegate app sync hotrod", "tracegate app sync hotrod --prune"],
  positionals: [{ name: "name", help: "the Application" }],
  options: {
    prune: { flags: "--prune", help: "delete what Git no longer has" },
    revision: {
      flags: "--revision <revision>",
      help: "a commit, branch or tag in place of the Application's",
    },
    namespace: appNamespace,
    output: common.output,
    state: common.state,
  },
  async run({ name, prune, revision, namespace, output, state }, io) {
    const client = connect(state, io);
    try {
      const ref = { namespace, name };
      const git = commandGit({ directory: stateDirectory(state).gitCache });
      await requestSync(client, git, ref, {
        prune,
        ...(revision === undefined ? {} : { revision }),
        initiatedBy: "admin",
        now: wallClock.now(),
      });
      for (;;) {
        const application = await client.get(Application, ref);
        const operation = application.status?.operationState;
        if (application.operation === undefined && operation?.finishedAt !== undefined) {
          print(io, output, application, () => renderApplication(application, { showOperation: true }));
          return operation.phase === "Succeeded" ? 0 : 1;
        }
        await wallClock.after(100, io.signal);
      }
    } finally {
      client.close();
    }
  },
});

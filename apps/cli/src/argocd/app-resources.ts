import { Application, findProject, orphansOf, readLive, renderResourceList } from "@tracegate/gitops";
import { refOf } from "./applications.ts";
import { Fatal } from "./fatal.ts";
import { appNamespace, command } from "./session.ts";

export const appResources = command({
  path: "app resources",
  use: "APPNAME",
  summary: "List the resources of an Application, and what lies beside them unowned",
  examples: ["argocd app resources hotrod", "argocd app resources hotrod --orphaned"],
  args: [1, 1],
  flags: {
    orphaned: { type: "bool", help: "only what belongs to no Application" },
    output: { type: "string", help: "one of: tree|tree=detailed" },
    project: { type: "string", help: "the Application's project" },
    "app-namespace": appNamespace,
  },
  async run([text = ""], flags, { client, clock, io }) {
    if (!["", "tree", "tree=detailed"].includes(flags.output))
      throw new Fatal(`unknown output format: ${flags.output}`);
    const application = await client.get(Application, refOf(text, flags["app-namespace"]));
    const project = await findProject(client, application);
    const orphans = project === undefined ? [] : await orphansOf(client, application, project.spec);
    const live = flags.output === "tree=detailed" ? await readLive(client, application) : undefined;
    io.out(
      renderResourceList(application, {
        orphans,
        onlyOrphans: flags.orphaned,
        ...(live === undefined ? {} : { detailed: { live, now: clock.now() } }),
      }),
    );
    return 0;
  },
});

import {
  Application,
  assignedWindows,
  findProject,
  readHealth,
  readLive,
  renderApplication,
  renderHistory,
  renderSummary,
  renderTree,
} from "@tracegate/gitops";
import { refOf, refresh } from "./applications.ts";
import { Fatal } from "./fatal.ts";
import { formatted } from "./output.ts";
import { ownedObjects } from "./owned-objects.ts";
import { appNamespace, command, outputFlag } from "./session.ts";

const oneApplication = { use: "APPNAME", args: [1, 1] } as const;

export const appGet = command({
  ...oneApplication,
  path: "app get",
  summary: "Show an Application: where it comes from, its state, its resources",
  examples: ["argocd app get hotrod", "argocd app get hotrod --refresh", "argocd app get hotrod -o yaml"],
  flags: {
    output: { ...outputFlag("json|yaml|wide|tree|tree=detailed"), default: "wide" },
    refresh: { type: "bool", help: "ask Git for the newest commit first" },
    "hard-refresh": { type: "bool", help: "and render anew what is cached" },
    "show-operation": { type: "bool", help: "show the last sync too" },
    "app-namespace": appNamespace,
  },
  async run([text = ""], flags, session) {
    const { client, io, server } = session;
    const ref = refOf(text, flags["app-namespace"]);
    const how = flags["hard-refresh"] ? "hard" : flags.refresh ? "normal" : undefined;
    const application =
      how === undefined ? await client.get(Application, ref) : await refresh(session, ref, how);
    const project = await findProject(client, application);
    if (project === undefined)
      throw new Fatal(
        `rpc error: code = InvalidArgument desc = app is not allowed in project ${JSON.stringify(application.spec.project)}, or the project does not exist`,
      );
    const windows = assignedWindows(project.spec, application, session.clock.now());
    const health = await readHealth(client, application);
    const shown = () =>
      renderApplication(application, {
        url: `${server}/applications/${ref.name}`,
        health,
        windows,
        now: session.clock.now(),
        showOperation: flags["show-operation"],
      });
    const owned = flags.output.startsWith("tree") ? await ownedObjects(client, application) : [];
    const live = flags.output === "tree=detailed" ? await readLive(client, application) : undefined;
    const tree = () => {
      const summary = renderSummary(application, `${server}/applications/${ref.name}`, windows);
      return `${[...summary, "", ...renderTree(application, health, owned, live && { live, now: session.clock.now() })].join("\n")}\n`;
    };
    io.out(formatted(flags.output, application, { wide: shown, "": shown, tree, "tree=detailed": tree }));
    return 0;
  },
});

export const appHistory = command({
  ...oneApplication,
  path: "app history",
  summary: "Show what was deployed when",
  examples: ["argocd app history hotrod", "argocd app history hotrod -o id"],
  flags: { output: { ...outputFlag("wide|id"), default: "wide" }, "app-namespace": appNamespace },
  async run([text = ""], flags, { client, io }) {
    const application = await client.get(Application, refOf(text, flags["app-namespace"]));
    const ids = () => (application.status?.history ?? []).map(({ id }) => `${id}\n`).join("");
    io.out(flags.output === "id" ? ids() : renderHistory(application));
    return 0;
  },
});

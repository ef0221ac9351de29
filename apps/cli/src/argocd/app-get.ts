import { AnalysisRun } from "@tracegate/analysis";
import {
  Application,
  assignedWindows,
  findProject,
  readHealth,
  renderApplication,
  renderHistory,
  renderResourceList,
  renderSummary,
  renderTree,
} from "@tracegate/gitops";
import {
  apiVersionOf,
  isNotFound,
  Job,
  type Kind,
  type KubeObject,
  Pod,
  ReplicaSet,
  type ResourceClient,
} from "@tracegate/kube";
import { refOf, refresh } from "./applications.ts";
import { formatted } from "./output.ts";
import { appNamespace, command, Fatal, outputFlag } from "./session.ts";

const oneApplication = { use: "APPNAME", args: [1, 1] } as const;

export const appGet = command({
  ...oneApplication,
  path: "app get",
  summary: "Show an Application: where it comes from, its state, its resources",
  examples: ["argocd app get hotrod", "argocd app get hotrod --refresh", "argocd app get hotrod -o yaml"],
  flags: {
    output: { ...outputFlag("json|yaml|wide|tree"), default: "wide" },
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
        showOperation: flags["show-operation"],
      });
    const owned = flags.output === "tree" ? await ownedObjects(client, application) : [];
    const tree = () => {
      const summary = renderSummary(application, `${server}/applications/${ref.name}`, windows);
      return `${[...summary, "", ...renderTree(application, health, owned)].join("\n")}\n`;
    };
    io.out(formatted(flags.output, application, { wide: shown, "": shown, tree }));
    return 0;
  },
});

/** What controllers made in the destination: below a resource in the tree when it is the owner. */
async function ownedObjects(client: ResourceClient, { spec }: Application): Promise<KubeObject[]> {
  const { namespace = "" } = spec.destination;
  const kinds: Kind<KubeObject>[] = [ReplicaSet, Pod, Job, AnalysisRun];
  const lists = await Promise.all(
    kinds.map((kind) =>
      // A kind that is not served has no objects.
      client.list(kind, { namespace }).then(
        ({ items }) => items.map((item) => ({ ...item, apiVersion: apiVersionOf(kind), kind: kind.kind })),
        (error: unknown) => {
          if (isNotFound(error)) return [];
          throw error;
        },
      ),
    ),
  );
  return lists.flat();
}

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

export const appResources = command({
  ...oneApplication,
  path: "app resources",
  summary: "List the resources of an Application",
  examples: ["argocd app resources hotrod"],
  flags: { "app-namespace": appNamespace },
  async run([text = ""], flags, { client, io }) {
    io.out(renderResourceList(await client.get(Application, refOf(text, flags["app-namespace"]))));
    return 0;
  },
});

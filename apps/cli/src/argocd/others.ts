import { Application, inClusterServer } from "@tracegate/gitops";
import { defineKind, type KubeObject, type ResourceClient, Secret } from "@tracegate/kube";
import { Fatal } from "./fatal.ts";
import { formatted, table } from "./output.ts";
import { command, controlPlane, outputFlag } from "./session.ts";

const within = { namespace: controlPlane };

interface Node extends KubeObject {
  readonly status?: { readonly nodeInfo?: { readonly kubeletVersion?: string } };
}
const Node = defineKind<Node>("v1", "Node", "nodes", { namespaced: false });

const theCluster = async (client: ResourceClient) => {
  const [node] = (await client.list(Node)).items;
  const used = (await client.list(Application, within)).items.length > 0;
  const version = /^v?(\d+\.\d+)/.exec(node?.status?.nodeInfo?.kubeletVersion ?? "")?.[1] ?? "";
  return {
    server: inClusterServer,
    name: "in-cluster",
    serverVersion: version,
    connectionState: used
      ? { status: "Successful", message: "" }
      : { status: "Unknown", message: "Cluster has no applications and is not being monitored." },
  };
};

const clusterRow = ({
  server,
  name,
  serverVersion,
  connectionState,
}: Awaited<ReturnType<typeof theCluster>>) =>
  table([
    ["SERVER", "NAME", "VERSION", "STATUS", "MESSAGE", "PROJECT"],
    [server, name, serverVersion, connectionState.status, connectionState.message, ""],
  ]);

/** ⚠ What is unknown is told from what is not allowed by nobody. */
const unknown = () => new Fatal("rpc error: code = PermissionDenied desc = permission denied");

export const clusterGet = command({
  path: "cluster get",
  use: "SERVER/NAME",
  summary: "Show the cluster that is deployed to",
  examples: ["argocd cluster get in-cluster"],
  args: [1, 1],
  flags: { output: { ...outputFlag("json|yaml|wide|server"), default: "yaml" } },
  async run([wanted = ""], { output }, { client, io }) {
    if (wanted !== "in-cluster" && wanted !== inClusterServer) throw unknown();
    const cluster = await theCluster(client);
    const shown = () => clusterRow(cluster);
    io.out(formatted(output, cluster, { wide: shown, "": shown, server: () => `${cluster.server}\n` }));
    return 0;
  },
});

export const repoGet = command({
  path: "repo get",
  use: "REPO",
  summary: "Show a repository that credentials are kept for",
  examples: ["argocd repo get https://git.example/shop.git"],
  args: [1, 1],
  flags: { output: { ...outputFlag("json|yaml|url|wide"), default: "wide" } },
  async run([url = ""], { output }, { client, io }) {
    const found = (await repositories(client)).filter(({ repo }) => repo === url);
    const [repository] = found;
    if (repository === undefined) throw unknown();
    const shown = () => repositoryTable(found);
    io.out(formatted(output, repository, { wide: shown, "": shown, url: () => `${repository.repo}\n` }));
    return 0;
  },
});

export const clusterList = command({
  path: "cluster list",
  summary: "List the clusters that are deployed to: this one",
  examples: ["argocd cluster list"],
  flags: { output: { ...outputFlag("json|yaml|wide|server"), default: "wide" } },
  async run(_args, { output }, { client, io }) {
    const cluster = await theCluster(client);
    const shown = () => clusterRow(cluster);
    io.out(formatted(output, [cluster], { wide: shown, "": shown, server: () => `${cluster.server}\n` }));
    return 0;
  },
});

interface Repository {
  readonly type: string;
  readonly name: string;
  readonly repo: string;
  readonly insecure: boolean;
  readonly project: string;
}

async function repositories(client: ResourceClient): Promise<Repository[]> {
  const { items } = await client.list(Secret, {
    ...within,
    labelSelector: "argocd.argoproj.io/secret-type=repository",
  });
  return items.map(({ data = {} }) => {
    const field = (name: string) => Buffer.from(data[name] ?? "", "base64").toString();
    return {
      type: field("type") || "git",
      name: field("name"),
      repo: field("url"),
      insecure: field("insecure") === "true",
      project: field("project"),
    };
  });
}

/** Nothing but Git over plain addresses is worked with, and nobody asks the repository before it is used. */
function repositoryTable(all: readonly Repository[]): string {
  const header = ["TYPE", "NAME", "REPO", "INSECURE", "OCI", "LFS", "CREDS", "STATUS", "MESSAGE", "PROJECT"];
  const rows = all.map(({ type, name, repo, insecure, project }) => [
    ...[type, name, repo, String(insecure), "false", "false", "false", "Unknown", "", project],
  ]);
  return table([header, ...rows]);
}

export const repoList = command({
  path: "repo list",
  summary: "List the repositories that credentials are kept for",
  examples: ["argocd repo list"],
  flags: {
    output: { ...outputFlag("json|yaml|url|wide"), default: "wide" },
    refresh: { type: "string", help: "accepted for scripts: nothing is cached" },
  },
  async run(_args, { output }, { client, io }) {
    const all = await repositories(client);
    const shown = () => repositoryTable(all);
    const urls = () => all.map(({ repo }) => `${repo}\n`).join("");
    io.out(formatted(output, all, { wide: shown, "": shown, url: urls }));
    return 0;
  },
});

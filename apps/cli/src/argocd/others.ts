import {
  Application,
  ApplicationSet,
  AppProject,
  renderApplicationSet,
  renderApplicationSetList,
  renderProject,
  renderProjectList,
} from "@tracegate/gitops";
import { defineKind, type KubeObject, Secret } from "@tracegate/kube";
import { refOf } from "./applications.ts";
import { formatted } from "./output.ts";
import { command, controlPlane, outputFlag } from "./session.ts";

const wide = { ...outputFlag("json|yaml|wide|name"), default: "wide" } as const;
const within = { namespace: controlPlane };

export const appsetList = command({
  path: "appset list",
  summary: "List the ApplicationSets",
  examples: ["argocd appset list"],
  flags: { output: wide },
  async run(_args, { output }, { client, io }) {
    const { items } = await client.list(ApplicationSet, within);
    const names = () => items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}\n`).join("");
    const texts = {
      wide: () => renderApplicationSetList(items),
      "": () => renderApplicationSetList(items, { wide: false }),
      name: names,
    };
    io.out(formatted(output, items, texts));
    return 0;
  },
});

export const appsetGet = command({
  path: "appset get",
  use: "APPSETNAME",
  summary: "Show an ApplicationSet",
  examples: ["argocd appset get hotrod"],
  args: [1, 1],
  flags: { output: wide },
  async run([text = ""], { output }, { client, io }) {
    const set = await client.get(ApplicationSet, refOf(text, ""));
    const shown = () => renderApplicationSet(set);
    io.out(formatted(output, set, { wide: shown, "": shown }));
    return 0;
  },
});

export const projList = command({
  path: "proj list",
  summary: "List the projects",
  examples: ["argocd proj list"],
  flags: { output: wide },
  async run(_args, { output }, { client, io }) {
    const { items } = await client.list(AppProject, within);
    const shown = () => renderProjectList(items);
    const names = () => items.map(({ metadata }) => `${metadata.name}\n`).join("");
    io.out(formatted(output, items, { wide: shown, "": shown, name: names }));
    return 0;
  },
});

export const projGet = command({
  path: "proj get",
  use: "PROJECT",
  summary: "Show a project",
  examples: ["argocd proj get default"],
  args: [1, 1],
  flags: { output: wide },
  async run([name = ""], { output }, { client, io }) {
    const project = await client.get(AppProject, { ...within, name });
    const shown = () => renderProject(project);
    io.out(formatted(output, project, { wide: shown, "": shown }));
    return 0;
  },
});

interface Node extends KubeObject {
  readonly status?: { readonly nodeInfo?: { readonly kubeletVersion?: string } };
}
const Node = defineKind<Node>("v1", "Node", "nodes", { namespaced: false });

export const clusterList = command({
  path: "cluster list",
  summary: "List the clusters that are deployed to: this one",
  examples: ["argocd cluster list"],
  flags: { output: { ...outputFlag("json|yaml|wide|server"), default: "wide" } },
  async run(_args, { output }, { client, io }) {
    const [node] = (await client.list(Node)).items;
    const used = (await client.list(Application, within)).items.length > 0;
    const version = /^v?(\d+\.\d+)/.exec(node?.status?.nodeInfo?.kubeletVersion ?? "")?.[1] ?? "";
    const cluster = {
      server: "https://kubernetes.default.svc",
      name: "in-cluster",
      serverVersion: version,
      connectionState: used
        ? { status: "Successful", message: "" }
        : { status: "Unknown", message: "Cluster has no applications and is not being monitored." },
    };
    const { status, message } = cluster.connectionState;
    const shown = () =>
      table([
        ["SERVER", "NAME", "VERSION", "STATUS", "MESSAGE", "PROJECT"],
        [cluster.server, cluster.name, version, status, message, ""],
      ]);
    io.out(formatted(output, [cluster], { wide: shown, "": shown, server: () => `${cluster.server}\n` }));
    return 0;
  },
});

export const repoList = command({
  path: "repo list",
  summary: "List the repositories that credentials are kept for",
  examples: ["argocd repo list"],
  flags: { output: { ...outputFlag("json|yaml|url|wide"), default: "wide" } },
  async run(_args, { output }, { client, io }) {
    const { items } = await client.list(Secret, {
      ...within,
      labelSelector: "argocd.argoproj.io/secret-type=repository",
    });
    const repositories = items.map(({ data = {} }) => {
      const field = (name: string) => Buffer.from(data[name] ?? "", "base64").toString();
      return {
        type: field("type") || "git",
        name: field("name"),
        repo: field("url"),
        insecure: field("insecure") === "true",
        project: field("project"),
      };
    });
    const header = [
      "TYPE",
      "NAME",
      "REPO",
      "INSECURE",
      "OCI",
      "LFS",
      "CREDS",
      "STATUS",
      "MESSAGE",
      "PROJECT",
    ];
    // Nothing but Git over plain addresses is worked with, and nobody asks the repository before it is used.
    const rows = repositories.map(({ type, name, repo, insecure, project }) => [
      type,
      name,
      repo,
      String(insecure),
      "false",
      "false",
      "false",
      "Unknown",
      "",
      project,
    ]);
    const shown = () => table([header, ...rows]);
    const urls = () => repositories.map(({ repo }) => `${repo}\n`).join("");
    io.out(formatted(output, repositories, { wide: shown, "": shown, url: urls }));
    return 0;
  },
});

/** Two blanks between columns; all but the last cell keep their padding. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2)))
        .join(""),
    )
    .map((line) => `${line}\n`)
    .join("");
}

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ProblemError } from "@tracegate/contracts";
import type { ServerAccess } from "@tracegate/controller-runtime";
import { parse } from "yaml";

interface Cluster {
  readonly server?: string;
  readonly "certificate-authority-data"?: string;
  readonly "certificate-authority"?: string;
}

interface User {
  readonly "client-certificate-data"?: string;
  readonly "client-certificate"?: string;
  readonly "client-key-data"?: string;
  readonly "client-key"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

interface KubeContext {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

interface File {
  readonly "current-context"?: string;
  readonly contexts?: readonly { readonly name: string; readonly context?: KubeContext }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster?: Cluster }[];
  readonly users?: readonly { readonly name: string; readonly user?: User }[];
}

export interface KubeconfigOptions {
  /** A file in place of $KUBECONFIG and ~/.kube/config. */
  readonly kubeconfig?: string;
  /** A context in place of the current one. */
  readonly context?: string;
  /** A cluster and a user in place of the context's. */
  readonly cluster?: string;
  readonly user?: string;
  /** An address in place of the cluster's; with one, no kubeconfig is needed. */
  readonly server?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Where a context of a kubeconfig leads. */
export interface KubeTarget {
  readonly access: ServerAccess;
  /** Of the context, else `default`. */
  readonly namespace: string;
  readonly context: string;
}

/**
 * Resolves the kubeconfig as kubectl does: --kubeconfig, else the files of $KUBECONFIG together (the first that says
 * something wins), else ~/.kube/config. Exec plug-ins are not followed.
 * @throws ProblemError where it names no server.
 */
export function resolveKubeconfig({
  kubeconfig = "",
  context = "",
  cluster: clusterName = "",
  user: userName = "",
  server = "",
  env,
}: KubeconfigOptions): KubeTarget {
  const files = filesOf(kubeconfig, env).map((path) => ({ path, file: readFile(path) }));
  const find = <T>(pick: (file: File) => T | undefined): { value: T; path: string } | undefined => {
    for (const { path, file } of files) {
      const value = pick(file);
      if (value !== undefined) return { value, path };
    }
    return undefined;
  };
  const current = find((file) => file["current-context"] || undefined)?.value ?? "";
  const name = context === "" ? current : context;
  const chosen = find((file) => file.contexts?.find((entry) => entry.name === name)?.context)?.value;
  if (chosen === undefined && name !== "")
    throw refusal("unknown-context", `context "${name}" does not exist`);
  const wantedCluster = clusterName || chosen?.cluster;
  const cluster = find((file) => file.clusters?.find((entry) => entry.name === wantedCluster)?.cluster);
  if (clusterName !== "" && cluster === undefined)
    throw refusal("unknown-cluster", `cluster "${clusterName}" does not exist`);
  const address = server || cluster?.value.server;
  if (address === undefined) {
    throw refusal(
      "no-configuration",
      "invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable",
    );
  }
  const wantedUser = userName || chosen?.user;
  const user = find((file) => file.users?.find((entry) => entry.name === wantedUser)?.user);
  if (userName !== "" && user === undefined)
    throw refusal("unknown-user", `auth info "${userName}" does not exist`);
  const text = (path: string, data: string | undefined, file: string | undefined) =>
    data !== undefined
      ? Buffer.from(data, "base64").toString()
      : file === undefined
        ? undefined
        : readFileSync(resolve(dirname(path), file), "utf8");
  const { value: own, path: userPath } = user ?? { value: {} as User, path: "" }; // no user: anonymous
  const ca =
    cluster &&
    text(cluster.path, cluster.value["certificate-authority-data"], cluster.value["certificate-authority"]);
  const cert = text(userPath, own["client-certificate-data"], own["client-certificate"]);
  const key = text(userPath, own["client-key-data"], own["client-key"]);
  const token = own.token ?? text(userPath, undefined, own.tokenFile)?.trim();
  return {
    access: {
      server: address,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(token === undefined ? {} : { token }),
    },
    namespace: chosen?.namespace || "default",
    context: name,
  };
}

function filesOf(kubeconfig: string, env: KubeconfigOptions["env"]): string[] {
  if (kubeconfig !== "") {
    if (!existsSync(kubeconfig)) throw refusal("no-file", `stat ${kubeconfig}: no such file or directory`);
    return [kubeconfig];
  }
  const listed = (env["KUBECONFIG"] ?? "").split(":").filter((path) => path !== "");
  const paths = listed.length > 0 ? listed : [join(env["HOME"] ?? "", ".kube", "config")];
  return paths.filter((path) => existsSync(path));
}

function readFile(path: string): File {
  try {
    return (parse(readFileSync(path, "utf8")) as File | null) ?? {}; // every field is looked up with care above
  } catch (error) {
    throw refusal(
      "unreadable",
      `error loading config file "${path}": ${error instanceof Error ? error.message : error}`,
    );
  }
}

const refusal = (kind: string, message: string): ProblemError =>
  new ProblemError({ code: `kubeconfig/${kind}`, message });

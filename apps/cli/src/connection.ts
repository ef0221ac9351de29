import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ProblemError } from "@tracegate/contracts";
import { createRemoteClient, type ServerAccess } from "@tracegate/controller-runtime";
import type { ResourceClient } from "@tracegate/kube";
import { runningPlatform, type StateDirectory, stateDirectory } from "@tracegate/platform";
import { parse } from "yaml";
import { common, type Io } from "./command.ts";

interface Kubeconfig {
  "current-context"?: string;
  contexts?: { name: string; context: { cluster: string; user: string } }[];
  clusters?: { name: string; cluster: { server: string; "certificate-authority-data"?: string } }[];
  users?: {
    name: string;
    user: { "client-certificate-data"?: string; "client-key-data"?: string; token?: string };
  }[];
}

/**
 * The state directory that a command means: the one that is named; in place of the usual one, where no platform runs on
 * that, the one whose kubeconfig is in $KUBECONFIG, so that commands work from any directory of a shell that is set up.
 */
export function stateMeant(path: string, { env }: Pick<Io, "env">): StateDirectory {
  const named = stateDirectory(path);
  const kubeconfig = env["KUBECONFIG"]?.split(":")[0] ?? "";
  if (path !== common.state.default || kubeconfig === "" || runningPlatform(named) !== undefined)
    return named;
  const other = stateDirectory(dirname(kubeconfig));
  return other.kubeconfig === resolve(kubeconfig) && runningPlatform(other) !== undefined ? other : named;
}

/**
 * A client of the platform on the state directory, or of the cluster that $KUBECONFIG names where no platform runs.
 * @throws ProblemError where there is neither, or the kubeconfig cannot be used.
 */
export function connect(statePath: string, io: Io): ResourceClient & { close(): void } {
  const state = stateMeant(statePath, io);
  if (runningPlatform(state) !== undefined) return createRemoteClient(readKubeconfig(state.kubeconfig));
  const fromEnvironment = io.env["KUBECONFIG"]?.split(":")[0];
  if (fromEnvironment !== undefined && fromEnvironment !== "" && fromEnvironment !== state.kubeconfig) {
    return createRemoteClient(readKubeconfig(fromEnvironment));
  }
  throw new ProblemError({
    code: "unreachable/no-platform",
    where: state.root,
    message: "no platform runs on this state directory",
    advice: "Start one with `tracegate up`, name another with --state DIR, or set KUBECONFIG",
  });
}

/** The access that the current context gives. Files and exec plug-ins are not followed: platforms embed their data. */
export function readKubeconfig(path: string): ServerAccess {
  let config: Kubeconfig;
  try {
    config = parse(readFileSync(path, "utf8")) as Kubeconfig; // every field is looked up with care below
  } catch (error) {
    throw new ProblemError({
      code: "input/kubeconfig",
      where: path,
      message: `the kubeconfig cannot be read (${error instanceof Error ? error.message : error})`,
      advice: "Start a platform with `tracegate up`, which writes one",
    });
  }
  const context = config.contexts?.find(({ name }) => name === config["current-context"])?.context;
  const cluster = config.clusters?.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users?.find(({ name }) => name === context?.user)?.user;
  if (cluster === undefined || user === undefined) {
    throw new ProblemError({
      code: "input/kubeconfig",
      where: path,
      message: "the current context names no cluster and user",
      expected: "current-context, contexts, clusters and users that refer to each other",
    });
  }
  const decode = (data: string) => Buffer.from(data, "base64").toString();
  const ca = cluster["certificate-authority-data"];
  const cert = user["client-certificate-data"];
  const key = user["client-key-data"];
  return {
    server: cluster.server,
    ...(ca === undefined ? {} : { ca: decode(ca) }),
    ...(cert === undefined ? {} : { cert: decode(cert) }),
    ...(key === undefined ? {} : { key: decode(key) }),
    ...(user.token === undefined ? {} : { token: user.token }),
  };
}

import { readFileSync } from "node:fs";
import type { ServerAccess } from "@tracegate/controller-runtime";
import { parseDuration } from "../cobra/duration.ts";
import { resolveKubeconfig } from "../kubeconfig.ts";
import { PluginError } from "./plugin.ts";

/** The values of `globals` that say which server is spoken to, as whom. */
export interface ConnectionFlags {
  readonly texts: Readonly<Record<ConnectionFlag, string>>;
  readonly insecure: boolean;
  readonly groups: readonly string[];
}

export type ConnectionFlag = (typeof connectionFlags)[number];
export const connectionFlags = [
  "as",
  "as-uid",
  "kubeconfig",
  "context",
  "cluster",
  "user",
  "server",
  "token",
  "certificate-authority",
  "client-certificate",
  "client-key",
  "tls-server-name",
  "request-timeout",
] as const;

/** The kubeconfig's access, with what flags put in its place. */
export function accessFrom(
  { texts: flags, insecure, groups }: ConnectionFlags,
  env: Readonly<Record<string, string | undefined>>,
): { readonly access: ServerAccess; readonly namespace: string } {
  const { access, namespace } = resolveKubeconfig({ ...flags, env });
  const file = (flag: ConnectionFlag) => (flags[flag] === "" ? undefined : readNamed(flag, flags[flag]));
  const [ca, cert, key] = [file("certificate-authority"), file("client-certificate"), file("client-key")];
  const timeoutMs = timeoutOf(flags["request-timeout"]);
  const impersonate = { user: flags.as, groups, uid: flags["as-uid"] };
  if (flags.as === "" && (groups.length > 0 || flags["as-uid"] !== ""))
    throw new PluginError("requesting uid, groups or user-extra without impersonating a user");
  return {
    namespace,
    access: {
      ...access,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(flags.token === "" ? {} : { token: flags.token }),
      ...(flags["tls-server-name"] === "" ? {} : { serverName: flags["tls-server-name"] }),
      ...(insecure ? { insecure: true } : {}),
      ...(timeoutMs === 0 ? {} : { timeoutMs }),
      ...(flags.as === "" ? {} : { impersonate }),
    },
  };
}

/** A number without a unit counts seconds, as kubectl reads it. */
function timeoutOf(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms === undefined)
    throw new PluginError(
      `Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)`,
    );
  return ms;
}

function readNamed(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new PluginError(`--${flag}: unable to read ${path}`);
  }
}

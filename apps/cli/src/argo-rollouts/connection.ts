import { readFileSync } from "node:fs";
import type { ServerAccess } from "@tracegate/controller-runtime";
import { parseDuration } from "../cobra/duration.ts";
import { resolveKubeconfig } from "../kubeconfig.ts";
import { PluginError } from "./plugin.ts";

/** The values of `globals` that say which server is spoken to, as whom. */
export type ConnectionFlags = Readonly<Record<(typeof connectionFlags)[number], string>> & {
  readonly insecure: boolean;
};

export const connectionFlags = [
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
  flags: ConnectionFlags,
  env: Readonly<Record<string, string | undefined>>,
): { readonly access: ServerAccess; readonly namespace: string } {
  const { access, namespace } = resolveKubeconfig({ ...flags, env });
  const file = (flag: (typeof connectionFlags)[number]) =>
    flags[flag] === "" ? undefined : readNamed(flag, flags[flag]);
  const [ca, cert, key] = [file("certificate-authority"), file("client-certificate"), file("client-key")];
  const timeoutMs = timeoutOf(flags["request-timeout"]);
  return {
    namespace,
    access: {
      ...access,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(flags.token === "" ? {} : { token: flags.token }),
      ...(flags["tls-server-name"] === "" ? {} : { serverName: flags["tls-server-name"] }),
      ...(flags.insecure ? { insecure: true } : {}),
      ...(timeoutMs === 0 ? {} : { timeoutMs }),
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

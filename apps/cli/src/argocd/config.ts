import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { Fatal } from "./fatal.ts";

/** The contexts that `login` made, in the original's file format. */
export interface Contexts {
  readonly contexts: readonly { readonly name: string; readonly server: string; readonly user: string }[];
  readonly "current-context": string;
  readonly servers: readonly { readonly server: string; readonly core?: boolean }[];
  readonly users: readonly { readonly name: string; readonly "auth-token"?: string }[];
}

export interface ArgoConfig {
  /** Where it lies. */
  readonly path: string;
  read(): Contexts;
  write(contexts: Contexts): void;
}

const none: Contexts = { contexts: [], "current-context": "", servers: [], users: [] };

/** The file of --config, else `config` in $ARGOCD_CONFIG_DIR, ~/.argocd if it exists, $XDG_CONFIG_HOME/argocd or ~/.config/argocd. */
export function configFile(flag: string, env: Readonly<Record<string, string | undefined>>): ArgoConfig {
  const path = flag === "" ? join(folderOf(env), "config") : flag;
  return {
    path,
    read() {
      if (!existsSync(path)) return none;
      try {
        // A file that somebody else wrote may lack any of the fields.
        return { ...none, ...(parse(readFileSync(path, "utf8")) as Partial<Contexts> | null) };
      } catch (error) {
        throw new Fatal(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
      }
    },
    write(contexts) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, stringify(contexts), { mode: 0o600 });
    },
  };
}

function folderOf(env: Readonly<Record<string, string | undefined>>): string {
  const home = env["HOME"] ?? "";
  if (env["ARGOCD_CONFIG_DIR"]) return env["ARGOCD_CONFIG_DIR"];
  if (existsSync(join(home, ".argocd"))) return join(home, ".argocd");
  return join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "argocd");
}

/** The contexts with one more, or one in another form, as the current one. */
export function withContext(
  all: Contexts,
  { name, server, token }: { name: string; server: string; token?: string },
): Contexts {
  const others = <T extends { name: string }>(list: readonly T[]) =>
    list.filter((entry) => entry.name !== name);
  return {
    contexts: [...others(all.contexts), { name, server, user: name }],
    "current-context": name,
    servers: [...all.servers.filter((entry) => entry.server !== server), { server, core: true }],
    users: [...others(all.users), { name, ...(token === undefined ? {} : { "auth-token": token }) }],
  };
}

/** The bearer token that the current context keeps; undefined where the kubeconfig's own credentials are used. */
export function currentToken({ contexts, users, "current-context": current }: Contexts): string | undefined {
  const user = contexts.find(({ name }) => name === current)?.user;
  return users.find(({ name }) => name === user)?.["auth-token"];
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Application, ApplicationSet } from "@tracegate/gitops";
import { isNotFound, undefinedIfNotFound } from "@tracegate/kube";
import { parse } from "yaml";
import { ownGit } from "../demo/own-git.ts";
import { refusedCommits } from "../refused-commits.ts";
import type { World } from "./level.ts";

/**
 * What a reader wrote that is not deployed, and why: changes that were not committed, not pushed or, of the ApplicationSet, not
 * applied, and commits that GitOps cannot render or apply. `path` is where the manifests lie in the working copy.
 */
export async function undeployed(
  { client }: Pick<World, "client">,
  workingCopy: string,
  path: string,
): Promise<string[]> {
  const { items } = await client.list(Application, { namespace: "argocd" }).catch((error: unknown) => {
    // A cluster need not have the kind.
    if (isNotFound(error)) return { items: [] };
    throw error;
  });
  return [
    ...(await unpushed(workingCopy)),
    ...(await unapplied(client, workingCopy, `${path}/appset.yaml`)),
    ...refusedCommits(items),
  ];
}

async function unpushed(directory: string): Promise<string[]> {
  if (!existsSync(join(directory, ".git"))) return [];
  try {
    const changed = lines(await ownGit(directory, "status", "--porcelain"));
    const ahead = lines(await ownGit(directory, "log", "--format=%h", "HEAD", "--not", "--remotes=origin"));
    return [
      ...(changed.length === 0
        ? []
        : [`${counted(changed.length, "file")} changed and not committed: git add, git commit, git push`]),
      ...(ahead.length === 0 ? [] : [`${counted(ahead.length, "commit")} not pushed: git push`]),
    ];
  } catch {
    // A working copy in some state of its own (a rebase, no commit) has nothing simple to tell.
    return [];
  }
}

/** The ApplicationSet comes out of no Git: whoever changes it applies it. */
async function unapplied(client: World["client"], workingCopy: string, file: string): Promise<string[]> {
  const written = manifestIn(join(workingCopy, file));
  const { name, namespace = "argocd" } = written?.metadata ?? {};
  if (written === undefined || typeof name !== "string") return [];
  const live = await client.get(ApplicationSet, { namespace, name }).catch(undefinedIfNotFound);
  const applied = live?.metadata.annotations?.["kubectl.kubernetes.io/last-applied-configuration"];
  if (applied === undefined) return [];
  const { spec } = JSON.parse(applied) as ApplicationSet; // what kubectl keeps is JSON
  if (isDeepStrictEqual(spec, written.spec)) return [];
  return [`appset.yaml is changed and not applied: kubectl apply -n ${namespace} -f ${file}`];
}

function manifestIn(file: string): ApplicationSet | undefined {
  try {
    const value: unknown = parse(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null ? (value as ApplicationSet) : undefined; // compared, not trusted
  } catch {
    return undefined;
  }
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? " is" : "s are"}`;

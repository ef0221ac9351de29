import type { KubeObject } from "@tracegate/kube";

/** What stands in a recording for what differs from run to run. */
export interface Identities {
  /** Where the scenario's repository lies. */
  readonly repoURL: string;
  /** Full commit ids, oldest first. */
  readonly commits: readonly string[];
  /** Scenarios that are recorded beside it; lines about them are left out. */
  readonly others: readonly string[];
  /** The address of Argo CD's server. */
  readonly server: string;
  /** When the scenario began, in milliseconds since 1970. */
  readonly started: number;
}

/** The text with names in place of identities. */
export function neutralText(text: string, { repoURL, commits, server }: Identities): string {
  let neutral = text.replaceAll(repoURL, "file:///repo").replaceAll(server, "SERVER");
  commits.forEach((commit, index) => {
    const name = `commit${index + 1}`;
    neutral = neutral.replaceAll(commit, name).replaceAll(commit.slice(0, 7), name);
  });
  return neutral
    .replace(/file:\/\/\/\S*\/repos\/|\/\S*\/_argocd-repo\/[0-9a-f-]{36}/g, (path) => (path.startsWith("file") ? "file:///" : "SOURCE"))
    .replace(/\b[a-z][\w-]*?-[bcdf-hj-np-tv-xz2-9]{8,10}-[bcdf-hj-np-tv-xz2-9]{5}\b/g, "RS-POD")
    .replace(/ at \d+:\d\d[AP]M/g, " at CLOCK")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC/g, "DATE")
    .replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)/gm, "DATE");
}

const omitted = new Set(["reconciledAt", "observedAt"]);

/** A state of an Application or ApplicationSet as recordings keep it: operation and status, times from the start. */
export function neutralState({ metadata, ...object }: KubeObject & { operation?: unknown; status?: unknown }, run: Identities): object {
  const { kind, operation, status } = object;
  const kept = {
    kind,
    name: metadata.name,
    ...(metadata.deletionTimestamp === undefined ? {} : { deleting: true }),
    ...(operation === undefined ? {} : { operation }),
    ...(status === undefined ? {} : { status }),
  };
  const text = JSON.stringify(kept, (key, value: unknown) => {
    if (omitted.has(key)) return undefined;
    if (key === "health" && typeof value === "object" && value !== null) return { ...value, lastTransitionTime: undefined };
    if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) return value;
    return `t+${Math.round((Date.parse(value) - run.started) / 1000)}s`;
  });
  return JSON.parse(neutralText(text, run)) as object; // made above
}

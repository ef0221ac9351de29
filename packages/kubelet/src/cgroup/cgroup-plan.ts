/** The controllers that keep a container's limits, in the order in which they are missed. */
export const controllers = ["memory", "cpu", "pids"] as const;
export type Controller = (typeof controllers)[number];

/** One directory of the cgroup v2 hierarchy, as far as a plan asks. */
export interface CgroupFacts {
  readonly path: string;
  /** What it could hand on to its children. */
  readonly controllers: readonly string[];
  /** The hierarchy's own root, which may hold processes and children with controllers at once. */
  readonly isRoot: boolean;
  readonly hasProcesses: boolean;
  /** This user may make children in it and move processes about below it. */
  readonly isWritable: boolean;
  /** It has a limit of its own, which a process that leaves it would leave, too. */
  readonly isLimited: boolean;
}

/** What the machine offers. */
export interface CgroupOffer {
  /** This process's own cgroup, then each parent up to where the hierarchy is mounted; empty without cgroup v2. */
  readonly lineage: readonly CgroupFacts[];
  /** The systemd that makes scopes for this user; the one to ask where there is one, as it takes all cgroups for its own. */
  readonly systemd?: "user" | "system";
}

/** Where the agent and its containers could have cgroups of their own. */
export type CgroupPlace =
  /** In a scope that systemd makes and delegates; the hierarchy is mounted at `mountPoint`. */
  | { readonly how: "scope"; readonly systemd: "user" | "system"; readonly mountPoint: string }
  /** In a directory that is made in `parent`. */
  | { readonly how: "below"; readonly parent: string };

/** Places to try, best first, and, for when none of them works, why there is none. */
export function cgroupPlaces({ lineage, systemd }: CgroupOffer): {
  places: readonly CgroupPlace[];
  why: string;
} {
  const top = lineage.at(-1);
  if (top === undefined) return { places: [], why: "cgroup v2 is not mounted" };
  if (!top.controllers.includes("memory")) {
    const why = "the cgroup v2 hierarchy has no memory controller: the machine keeps it in cgroup v1, or off";
    return { places: [], why };
  }
  const scope: CgroupPlace[] = systemd === undefined ? [] : [{ how: "scope", systemd, mountPoint: top.path }];
  const { parent, why } = nearestParent(lineage);
  return { places: [...scope, ...(parent === undefined ? [] : [{ how: "below" as const, parent }])], why };
}

/**
 * The nearest cgroup that can have children with controllers. One that holds processes cannot (the root excepted), and
 * one on the far side of a limit is no place to go: the limit was meant for what is started here.
 */
function nearestParent(lineage: readonly CgroupFacts[]): { parent?: string; why: string } {
  let why = "";
  for (const [index, facts] of lineage.entries()) {
    const below = index === 0 ? undefined : lineage[index - 1];
    if (below?.isLimited) return { why: `${why}; above it, the limits of ${below.path} would be left` };
    const obstacle = obstacleIn(facts);
    if (obstacle === undefined) return { parent: facts.path, why: `no cgroup can be made in ${facts.path}` };
    // The nearest is the one that its owner could do something about.
    if (why === "") why = `${facts.path} ${obstacle}`;
  }
  return { why };
}

function obstacleIn(facts: CgroupFacts): string | undefined {
  if (!facts.isWritable) return "is not delegated to this user";
  if (!facts.controllers.includes("memory")) return "is given no memory controller";
  if (facts.hasProcesses && !facts.isRoot)
    return "holds processes itself, so it can have no limited children";
  return undefined;
}

/** Which limits are kept, and by what. */
export interface Enforcement {
  readonly memory: "cgroup" | "watching";
  readonly cpu: boolean;
  readonly processes: boolean;
}

export const onlyWatching: Enforcement = { memory: "watching", cpu: false, processes: false };

/** What the agent keeps by the controllers that its containers' cgroups have. */
export function enforcementBy(handedOn: readonly string[]): Enforcement {
  return {
    memory: handedOn.includes("memory") ? "cgroup" : "watching",
    cpu: handedOn.includes("cpu"),
    processes: handedOn.includes("pids"),
  };
}

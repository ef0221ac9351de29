import type { Ref, ResourceClient } from "@tracegate/kube";

export const levelNames = ["beginner", "intermediate", "expert"] as const;
export type LevelName = (typeof levelNames)[number];

/**
 * A lesson in progressive delivery: manifests that are broken in known ways, and objectives that hold once they are mended.
 * The manifests lie in `examples/levels/NAME`: `solved/`, `broken/`, and each fault as a patch of the solved ones.
 */
export interface Level {
  readonly name: LevelName;
  readonly title: string;
  /** Where the manifests lie in the level's repository. */
  readonly path: string;
  /** What is broken, by the name of its patch, in the order in which it shows. */
  readonly faults: Readonly<Record<string, string>>;
  /** The namespaces its applications are deployed to. */
  readonly namespaces: readonly string[];
  /** How many Applications are Healthy when nothing is broken. */
  readonly applications: number;
  /** The release that the level is about; absent where it is about applications alone. */
  readonly release?: LevelRelease;
  /** Commands that show what is the matter, as the level's readers type them. */
  readonly look: readonly string[];
  /** What is typed after a mended manifest has been pushed. */
  readonly afterPush: readonly string[];
  /** What to know at the pace of a real cluster, and at no other. */
  readonly atSourcePace?: string;
  readonly objectives: readonly Objective[];
}

export interface LevelRelease {
  readonly title: string;
  /** The manifest with the image, below the level's path. */
  readonly file: string;
  readonly image: string;
  readonly from: string;
  readonly to: string;
  readonly rollouts: readonly Ref[];
  /** PromQL that answers something once requests reach the stable version; absent: nothing to wait for. */
  readonly traffic?: string;
}

/** Something that must be true in the end, however it was brought about. */
export interface Objective {
  readonly text: string;
  /** What is still in the way, each with a direction to look in; nothing when the objective is met. */
  check(world: World): Promise<readonly string[]>;
}

/** The world as objectives see it. They only look. */
export interface World {
  readonly client: Pick<ResourceClient, "get" | "list">;
  /** The values of an instant vector, asked of Prometheus. */
  query(promql: string): Promise<readonly number[]>;
  /** The services that Jaeger has traces of. */
  tracedServices(): Promise<readonly string[]>;
}

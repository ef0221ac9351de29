import type { Clock } from "@tracegate/contracts";
import type { KubeObject } from "@tracegate/kube";
import type { Store } from "@tracegate/store";
import type { Random } from "./names.ts";
import type { ServedKind, ServedKinds } from "./served-kinds.ts";

/** What every operation works with. */
export interface ApiContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly kinds: ServedKinds;
  /** NodePorts that are never given out by themselves and only to `reservedFor` names; ports of the platform. */
  readonly reservedNodePorts: ReadonlySet<number>;
  /** Kinds, as `statefulsets.apps`, that no controller works on: whoever makes one is warned. */
  readonly idleKinds: ReadonlySet<string>;
  /** A pod that names no service account gets `default`. */
  readonly defaultServiceAccount: boolean;
  /** Containers may ask to be privileged. */
  readonly allowPrivileged: boolean;
  /** Called after every stored change of an object (`undefined` once it is gone), inside the write. */
  readonly stored: (served: ServedKind, name: string, object: KubeObject | undefined) => void;
}

export type FieldValidation = "Ignore" | "Warn" | "Strict";

/** What a write carries beside its object. */
export interface WriteRequest {
  readonly fieldManager?: string;
  /** Checks and fills everything in, stores nothing. */
  readonly dryRun?: boolean;
  readonly fieldValidation?: FieldValidation;
  /** Takes the texts of `Warning` headers. */
  readonly warn?: (text: string) => void;
  /** Kinds that are only updated from a known version want to be told which. */
  readonly conditional?: boolean;
  /** Refuses, by throwing, an object that the one who writes must not write. Sees it as it would be stored. */
  readonly admit?: (object: KubeObject) => void;
  /** The object is the outcome of a patch: what has the wrong form is then the patch's fault. */
  readonly patched?: PatchedBy;
}

/** How refusals speak of an object that a patch has made. */
export interface PatchedBy {
  /** What strict reading says against the patch itself. */
  readonly complaints: readonly string[];
  /** Whether the object was converted from a map of it, rather than read from its text. */
  readonly converting: boolean;
  /** The patched object as messages show it. */
  readonly shown: (result: KubeObject, current: KubeObject) => string;
}

/** Which object. */
export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
}

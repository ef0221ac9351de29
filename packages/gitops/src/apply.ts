import {
  copyJson,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type Kind,
  type ResourceClient,
  StatusError,
  sortedJson,
} from "@tracegate/kube";
import { removeIgnored, withIgnoredOf } from "./compare/ignore-differences.ts";
import { lastAppliedAnnotation } from "./compare/normalize.ts";
import { sameJson, threeWayMerge } from "./compare/three-way-merge.ts";
import { fieldManager } from "./field-manager.ts";
import type { Manifest } from "./manifest.ts";
import { reconcileWords } from "./rbac-reconcile.ts";
import { isManifest } from "./render/directory.ts";
import type { IgnoreDifferences } from "./types/application.ts";

export type ApplyVerb =
  | "created"
  | "configured"
  | "unchanged"
  | "serverside-applied"
  | "replaced"
  /** Deleted and created again. */
  | "recreated"
  /** Replaced without ever being deleted, as kinds that hold others are. */
  | "updated";

/** What an application came to, and what else is told of it: before that, and as a warning after it. */
export interface Applied {
  readonly verb: ApplyVerb;
  readonly before: readonly string[];
  readonly warning?: string;
}

export interface ApplyOptions {
  readonly dryRun: boolean;
  readonly serverSide: boolean;
  readonly replace: boolean;
  /** Delete and create again what cannot be changed in place. */
  readonly force: boolean;
  /** Fields that stay as they are on a live object (`RespectIgnoreDifferences=true`). */
  readonly ignored: readonly IgnoreDifferences[];
}

/** Applies a target as `kubectl apply` does (or `replace`, or on the server) and tells what that came to. */
export async function applyTarget(
  client: ResourceClient,
  kind: Kind<Manifest>,
  target: Manifest,
  options: ApplyOptions,
): Promise<Applied> {
  if (options.serverSide && !options.replace) {
    const live = await getOrUndefined(client, kind, target);
    const before = reconcileWords(kind, target, live, options.dryRun);
    const body = live === undefined ? target : withIgnoredOf(live, target, options.ignored);
    if (options.dryRun) return { verb: "serverside-applied", before };
    // Fields that applications of the other sort set and that are gone would be nobody's to take away any more.
    if (live !== undefined && lastApplied(live) !== undefined)
      await changeLive(client, kind, target, live, options);
    await client.patch(kind, refOf(target), { type: "apply", body }, { fieldManager, force: true });
    return { verb: "serverside-applied", before };
  }
  for (let attempt = 0; ; attempt++) {
    const live = await getOrUndefined(client, kind, target);
    const before = options.replace ? [] : reconcileWords(kind, target, live, options.dryRun);
    try {
      const verb =
        live === undefined
          ? await createTarget(client, kind, target, options)
          : await changeLive(client, kind, target, live, options);
      if (options.dryRun || options.replace) return { verb, before };
      // ⚠ What was reconciled before is there when it is applied, and nobody has applied it yet.
      const made = live === undefined && before.length > 0;
      const adopted = made || (live !== undefined && lastAppliedText(live) === undefined);
      return {
        verb: made ? "configured" : verb,
        before,
        ...(adopted ? { warning: adoptionWarning(kind, target.metadata.name) } : {}),
      };
    } catch (error) {
      // Someone else wrote in between: read again. Five times is what kubectl gives itself.
      if ((isConflict(error) || isAlreadyExists(error)) && attempt < 5) continue;
      const immutable = error instanceof StatusError && error.status.reason === "Invalid";
      if (!options.force || live === undefined || !immutable) throw error;
      await recreate(client, kind, target, withLastApplied(target, target));
      return { verb: "configured", before };
    }
  }
}

/** What kubectl says when it applies an object that it did not make, its own name left out as upstream leaves it. */
const adoptionWarning = (kind: Kind, name: string): string =>
  `Warning: resource ${kind.plural}/${name} is missing the ${lastAppliedAnnotation} annotation which is required by  apply.  apply should only be used on resources created declaratively by either  create --save-config or  apply. The missing annotation will be patched automatically.`;

async function createTarget(
  client: ResourceClient,
  kind: Kind<Manifest>,
  target: Manifest,
  { dryRun, replace }: ApplyOptions,
): Promise<ApplyVerb> {
  const object = replace ? target : withLastApplied(target, target);
  if (!dryRun) await client.create(kind, object, { fieldManager });
  return "created";
}

async function changeLive(
  client: ResourceClient,
  kind: Kind<Manifest>,
  target: Manifest,
  live: Manifest,
  { dryRun, replace, force, ignored }: ApplyOptions,
): Promise<ApplyVerb> {
  if (!replace) {
    const merged = merge(target, live, ignored);
    // ⚠ Trying it out tells no difference, as kubectl's dry run on the client does not.
    if (!dryRun && sameJson(merged, live)) return "unchanged";
    if (!dryRun) await client.update(kind, merged, { fieldManager });
    return "configured";
  }
  // Deleting these would take everything they hold with them.
  const holdsOthers = kind.kind === "CustomResourceDefinition" || kind.kind === "Namespace";
  const anew = force && !holdsOthers;
  const wanted = withIgnoredOf(live, target, ignored);
  if (!dryRun && anew) await recreate(client, kind, target, wanted);
  if (!dryRun && !anew) await client.update(kind, replaced(wanted, live), { fieldManager });
  return holdsOthers ? "updated" : anew ? "recreated" : "replaced";
}

async function recreate(
  client: ResourceClient,
  kind: Kind<Manifest>,
  target: Manifest,
  object: Manifest,
): Promise<void> {
  await client.delete(kind, refOf(target), { propagationPolicy: "Background" });
  await client.create(kind, object, { fieldManager });
}

function merge(target: Manifest, live: Manifest, ignored: readonly IgnoreDifferences[]): Manifest {
  const last = lastApplied(live);
  const wanted = copyJson(target);
  for (const manifest of last === undefined ? [wanted] : [wanted, last])
    removeIgnored(manifest, live, ignored);
  const merged = threeWayMerge(last, wanted, live, target);
  return withLastApplied(merged as Manifest, target); // a merge of two manifests is one
}

const lastAppliedText = (live: Manifest): string | undefined =>
  live.metadata.annotations?.[lastAppliedAnnotation];

function lastApplied(live: Manifest): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(lastAppliedText(live) ?? "null");
    return isManifest(value) ? value : undefined;
  } catch {
    return undefined; // edited by hand; nothing is taken away then
  }
}

function replaced(target: Manifest, live: Manifest): Manifest {
  const { uid, resourceVersion } = live.metadata;
  return {
    ...target,
    metadata: {
      ...target.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  };
}

/** Notes on the object what was asked for, as `kubectl apply` does; the next merge reads it. */
function withLastApplied(object: Manifest, target: Manifest): Manifest {
  const { [lastAppliedAnnotation]: _own, ...annotations } = target.metadata.annotations ?? {};
  const noted = { ...target, metadata: { ...target.metadata, annotations } };
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: { ...object.metadata.annotations, [lastAppliedAnnotation]: `${sortedJson(noted)}\n` },
    },
  };
}

export async function getOrUndefined(
  client: ResourceClient,
  kind: Kind<Manifest>,
  object: Manifest,
): Promise<Manifest | undefined> {
  try {
    return await client.get(kind, refOf(object));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export function refOf({ metadata: { namespace, name } }: Pick<Manifest, "metadata">): {
  namespace?: string;
  name: string;
} {
  return namespace === undefined || namespace === "" ? { name } : { namespace, name };
}

/** What an application came to, as kubectl prints it: `deployment.apps/web configured`. */
export function appliedMessage(
  kind: Kind,
  name: string,
  { verb, before, warning }: Applied,
  dryRun: boolean,
): string {
  const after = warning === undefined ? [] : [warning];
  return [...before, verbMessage(kind, name, verb, dryRun), ...after].join(". ");
}

function verbMessage(kind: Kind, name: string, verb: ApplyVerb, dryRun: boolean): string {
  if (verb === "updated") return `${kind.kind}/${name} updated`;
  const resource = `${kind.kind.toLowerCase()}${kind.group === "" ? "" : `.${kind.group}`}`;
  const suffix = dryRun ? " (dry run)" : "";
  return verb === "recreated"
    ? `${resource} "${name}" deleted${suffix}\n${resource}/${name} replaced${suffix}`
    : `${resource}/${name} ${verb}${suffix}`;
}

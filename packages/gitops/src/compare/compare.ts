import { builtInType, StatusError, serverSideApply } from "@tracegate/kube";
import { fieldManager } from "../field-manager.ts";
import { countsWhenMissing, resourceHealth, worstHealth } from "../health/health.ts";
import { isObject, keyOf, keyText, type Manifest, type ResourceKey, versionOf } from "../manifest.ts";
import { isHook, isSkipped, waveOf } from "../sync/hooks.ts";
import { resourceOptions } from "../sync/options.ts";
import { atOnce, objectsATurn } from "../turns.ts";
import type {
  HealthStatusCode,
  IgnoreDifferences,
  ResourceStatus,
  SyncStatusCode,
} from "../types/application.ts";
import { asTyped } from "./as-typed.ts";
import { removeIgnored } from "./ignore-differences.ts";
import { lastAppliedAnnotation, normalized } from "./normalize.ts";
import { withStoredDefaults } from "./stored-defaults.ts";
import { sameJson, threeWayMerge } from "./three-way-merge.ts";
import { namesItself } from "./tracking.ts";

export interface ComparisonInput {
  readonly application: string;
  /** Absent when they could not be loaded: then everything is `Unknown`. */
  readonly targets?: readonly Manifest[];
  /** Objects that carry the Application's mark, and those at the keys of targets. */
  readonly live: readonly Manifest[];
  readonly ignoreDifferences: readonly IgnoreDifferences[];
  /** Whether all of it is applied on the server (`ServerSideApply=true`); single objects may be by their annotation. */
  readonly serverSide?: boolean;
  /** Whether the project lets a resource's kind be synchronised; nothing is said of the others. */
  readonly permits?: (object: Manifest) => boolean;
}

/** A target and its live object. One of them may be missing. */
export interface ComparedResource {
  readonly key: ResourceKey;
  readonly target?: Manifest;
  readonly live?: Manifest;
  readonly status: ResourceStatus;
}

export interface Comparison {
  /** In the order of keys; hooks that are not live are left out. */
  readonly resources: readonly ComparedResource[];
  readonly status: SyncStatusCode;
  readonly health: HealthStatusCode;
}

/** Compares what is wanted with what is there. */
export const compare = (input: ComparisonInput): Comparison => atOnce(comparing(input));

/** The comparison, with pauses for others: some objects at a time. */
export function* comparing(input: ComparisonInput): Generator<void, Comparison> {
  const { targets, live, permits = () => true } = input;
  const extras = new Map(live.map((object) => [keyText(keyOf(object)), object]));
  const judged: Judged[] = [];
  for (const target of targets ?? []) {
    // A hook's live object is listed below, as something that is there without being wanted for good.
    if (isHook(target.metadata)) continue;
    const key = keyText(keyOf(target));
    judged.push(judgeTarget(target, extras.get(key), input));
    extras.delete(key);
    if (judged.length % objectsATurn === 0) yield;
  }
  for (const extra of extras.values()) judged.push(judgeExtra(extra, input));
  const resources = judged
    .map(({ resource }) => {
      const object = resource.target ?? resource.live;
      const known = targets !== undefined && (object === undefined || permits(object));
      return known ? resource : { ...resource, status: { ...resource.status, status: "Unknown" as const } };
    })
    .sort((a, b) => (keyText(a.key) < keyText(b.key) ? -1 : 1));
  const status =
    targets === undefined ? "Unknown" : judged.some(({ counts }) => counts) ? "OutOfSync" : "Synced";
  return { resources, status, health: applicationHealth(resources) };
}

/** A compared resource, and whether it makes the Application OutOfSync. */
interface Judged {
  readonly resource: ComparedResource;
  readonly counts: boolean;
}

function judgeTarget(
  target: Manifest,
  live: Manifest | undefined,
  { ignoreDifferences, serverSide }: ComparisonInput,
): Judged {
  const inSync = live !== undefined && !differs(target, live, ignoreDifferences, serverSide);
  const skipped = isSkipped(target.metadata);
  const status: ResourceStatus = {
    ...identityOf(target),
    ...(skipped ? {} : { status: inSync ? "Synced" : "OutOfSync" }),
    ...confirmationField(target, live),
    ...waveField(target),
  };
  const resource = { key: keyOf(target), target, ...(live === undefined ? {} : { live }), status };
  return { resource, counts: !inSync && !skipped };
}

function judgeExtra(live: Manifest, { application }: ComparisonInput): Judged {
  const hook = isHook(live.metadata);
  const own = namesItself(live, application);
  const counts = !hook && own;
  const status: ResourceStatus = {
    ...identityOf(live),
    ...(hook ? { hook: true } : {}),
    ...(counts ? { status: "OutOfSync" } : {}),
    ...(own ? { requiresPruning: true } : {}),
    ...confirmationField(live),
  };
  return { resource: { key: keyOf(live), live, status }, counts: counts && !ignoresExtraneous(live) };
}

/** Whether applying `target` would change `live`. */
export function differs(
  target: Manifest,
  live: Manifest,
  ignored: readonly IgnoreDifferences[],
  serverSide = false,
): boolean {
  const { predicted, current } = predictedAndCurrent(target, live, ignored, serverSide);
  return !sameJson(predicted, current);
}

/** Both sides of a difference, as `argocd app diff` prints them: what applying would give, and what is there. */
export function predictedAndCurrent(
  target: Manifest,
  live: Manifest,
  ignored: readonly IgnoreDifferences[],
  serverSide = false,
): { predicted: Manifest; current: Manifest } {
  const present = normalized(live);
  const onServer = serverSide || resourceOptions(target.metadata).get("ServerSideApply") === "true";
  const applied = (wanted: Manifest) =>
    (onServer ? appliedOnServer(wanted, live) : undefined) ?? merged(wanted, live, present);
  const asWritten = applied(target);
  // Another spelling, and what is left unsaid and filled in by the API, may be all the difference.
  const same = sameJson(asWritten, present);
  const predicted = same ? asWritten : normalized(withStoredDefaults(applied(asTyped(target))));
  const current = same ? present : normalized(withStoredDefaults(present));
  removeIgnored(predicted, live, ignored);
  removeIgnored(current, live, ignored);
  return { predicted, current };
}

function merged(target: Manifest, live: Manifest, current: Manifest): Manifest {
  const wanted = normalized(target);
  // Where nothing was applied by us, the target itself stands for the last application: nothing is taken away.
  const lastApplied = lastAppliedOf(live) ?? wanted;
  return threeWayMerge(lastApplied, wanted, current, target) as Manifest; // a merge of two manifests is one
}

/** What server-side apply would make of a built-in kind's object: also what we owned and no longer want goes. */
function appliedOnServer(target: Manifest, live: Manifest): Manifest | undefined {
  const type = builtInType(target.apiVersion, target.kind);
  if (type?.type !== "struct") return undefined;
  const writer = {
    manager: fieldManager,
    apiVersion: live.apiVersion,
    subresource: "",
    time: "",
    force: true,
  };
  try {
    return normalized(serverSideApply(type, live, target, writer).object as Manifest); // of the live object's kind
  } catch (error) {
    if (error instanceof StatusError) return undefined; // it cannot be applied so; the sync will tell why
    throw error;
  }
}

/** What the last application asked for, from its annotation. */
export function lastAppliedOf(live: Manifest): Manifest | undefined {
  const text = live.metadata.annotations?.[lastAppliedAnnotation];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && isObject(value["metadata"]) ? normalized(value as Manifest) : undefined; // it was one when written
  } catch {
    return undefined; // someone edited it; then nothing is known of the last application
  }
}

function applicationHealth(resources: readonly ComparedResource[]): HealthStatusCode {
  const statuses: HealthStatusCode[] = [];
  for (const { key, target, live, status } of resources) {
    if (status.hook === true || (target !== undefined && isSkipped(target.metadata))) continue;
    if (target?.metadata.annotations?.["argocd.argoproj.io/ignore-healthcheck"] === "true") continue;
    if (live === undefined) {
      if (countsWhenMissing(key.group, key.kind)) statuses.push("Missing");
      continue;
    }
    const health = resourceHealth(live);
    if (health !== undefined) statuses.push(health.status);
  }
  return worstHealth(statuses);
}

function identityOf(object: Manifest): Omit<ResourceStatus, "status"> {
  const { group, kind, namespace, name } = keyOf(object);
  return {
    ...(group === "" ? {} : { group }),
    version: versionOf(object),
    kind,
    ...(namespace === "" ? {} : { namespace }),
    name,
  };
}

/** Whether someone has to approve before the resource is deleted with its Application. */
function confirmationField(...objects: readonly (Manifest | undefined)[]): {
  requiresDeletionConfirmation?: true;
} {
  const asks = objects.some((object) => {
    const options = resourceOptions(object?.metadata);
    return options.get("Delete") === "confirm";
  });
  return asks ? { requiresDeletionConfirmation: true } : {};
}

function waveField(object: Manifest): { syncWave?: number } {
  const wave = waveOf(object.metadata);
  return wave === 0 ? {} : { syncWave: wave };
}

function ignoresExtraneous(live: Manifest): boolean {
  const options = live.metadata.annotations?.["argocd.argoproj.io/compare-options"] ?? "";
  return options.split(",").some((option) => option.trim() === "IgnoreExtraneous");
}

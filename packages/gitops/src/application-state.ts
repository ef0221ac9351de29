import { isNotFound, type ResourceClient } from "@tracegate/kube";
import { type Comparison, compare, comparing } from "./compare/compare.ts";
import { checkRules } from "./compare/ignore-differences.ts";
import { isNamespaced, prepareTargets } from "./compare/targets.ts";
import { trackedBy } from "./compare/tracking.ts";
import { type GitRepositories, SourceError } from "./git/repositories.ts";
import { discoverKinds, type KindCatalogue } from "./kinds.ts";
import { type LiveObjects, readLive } from "./live-objects.ts";
import { groupOf, keyOf, keyText, type Manifest } from "./manifest.ts";
import { findOrphans } from "./orphans.ts";
import { permitsKind, permitsLive, refusalOf } from "./project.ts";
import { readHere, type SourceReader } from "./reading/source-reader.ts";
import type { Rendered } from "./render/render.ts";
import { hasOtherNamespaceMetadata, invalidSpec, sourceOf } from "./spec.ts";
import { parseSyncOptions } from "./sync/options.ts";
import { inTurns } from "./turns.ts";
import { AppProject, type AppProjectSpec, defaultProject } from "./types/app-project.ts";
import type {
  Application,
  ApplicationCondition,
  ApplicationSource,
  SourceType,
} from "./types/application.ts";

/** What an Application wants and has, read at one moment. */
export interface ApplicationState {
  /** Why nothing could be compared at all: the spec or the project does not allow it. */
  readonly refused?: ApplicationCondition;
  readonly project?: { readonly name: string; readonly spec: AppProjectSpec };
  readonly source: ApplicationSource;
  /** Absent when the target state could not be loaded. */
  readonly revision?: string;
  readonly sourceType?: SourceType;
  readonly targets?: readonly Manifest[];
  /** `PreDelete` and `PostDelete` hooks among what is rendered. */
  readonly deletionHooks?: readonly Manifest[];
  readonly conditions: readonly ApplicationCondition[];
  /** The repository could not be asked, which may pass. */
  readonly unreachable?: boolean;
  readonly comparison: Comparison;
  readonly live: LiveObjects;
  readonly catalogue: KindCatalogue;
}

export interface StateReader {
  read(application: Application, how: ReadOptions): Promise<ApplicationState>;
}

export interface ReadOptions {
  /** A commit to render; absent: what the source's target revision resolves to. */
  readonly revision?: string;
  readonly source?: ApplicationSource;
  /** Ask the remote rather than the cache. */
  readonly fresh: boolean;
  /** Render again even when the commit was rendered before. */
  readonly render: boolean;
  readonly everyKind: boolean;
}

/** Reads state through Git and the API. Renderings are kept, because a commit never changes. */
export function stateReader(options: {
  client: ResourceClient;
  git: GitRepositories;
  /** Who renders; absent: this process. */
  sources?: SourceReader;
  renderings?: number;
}): StateReader {
  const { client, git, sources = readHere(git), renderings = 64 } = options;
  const kept = new Map<string, Promise<Rendered>>();

  function rendered(
    source: ApplicationSource,
    commit: string,
    application: string,
    anew: boolean,
  ): Promise<Rendered> {
    const key = `${application}\n${commit}\n${JSON.stringify(source)}`;
    const known = anew ? undefined : kept.get(key);
    const rendering = known ?? sources.manifests(source, commit, application);
    kept.delete(key); // moves it to the young end
    kept.set(key, rendering);
    // What cannot be rendered is not tried again at every poll: large sources take a while to fail.
    if (known === undefined) rendering.catch((error: unknown) => isOfTheCommit(error) || kept.delete(key));
    for (const oldest of kept.keys()) {
      if (kept.size <= renderings) break;
      kept.delete(oldest);
    }
    return rendering;
  }

  async function loadTargets(
    application: Application,
    source: ApplicationSource,
    how: ReadOptions,
    catalogue: KindCatalogue,
  ) {
    try {
      const revision =
        how.revision ??
        (await git.resolve(source.repoURL, source.targetRevision ?? "", { fresh: how.fresh }));
      const { manifests, sourceType } = await rendered(
        source,
        revision,
        application.metadata.name,
        how.render,
      );
      const { namespace = "" } = application.spec.destination;
      const targets = prepareTargets(
        manifests.map(({ manifest }) => manifest),
        application.metadata.name,
        namespace,
        catalogue,
      );
      const { manifests: wanted, deletionHooks, conditions } = targets;
      return { revision, sourceType, targets: wanted, deletionHooks, conditions };
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      const message = `Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = ${error.code} desc = ${error.message}`;
      return {
        conditions: [{ type: "ComparisonError", message } as const],
        ...(error.unreachable ? { unreachable: true } : {}),
      };
    }
  }

  return {
    async read(application, how) {
      const catalogue = await discoverKinds(client);
      const source = how.source ?? sourceOf(application.spec) ?? { repoURL: "" };
      const nothing = { source, conditions: [], catalogue, live: noObjects, comparison: notCompared };
      const invalid = invalidSpec(application);
      if (invalid !== undefined)
        return { ...nothing, refused: { type: "InvalidSpecError", message: invalid } };
      const project = await findProject(client, application);
      if (project === undefined) {
        const message = `Application referencing project ${application.spec.project} which does not exist`;
        return { ...nothing, refused: { type: "InvalidSpecError", message } };
      }
      const refusal = refusalOf(project, source.repoURL, application.spec.destination);
      if (refusal !== undefined)
        return { ...nothing, project, refused: { type: "InvalidSpecError", message: refusal } };

      const loaded = await loadTargets(application, source, how, catalogue);
      const { namespace = "" } = application.spec.destination;
      const identity = { application: application.metadata.name, destinationNamespace: namespace };
      const known = application.status?.resources ?? [];
      const found = await readLive(client, catalogue, {
        ...identity,
        targets: loaded.targets ?? [],
        known,
        everyKind: how.everyKind,
      });
      // What the project does not permit is invisible: neither shown nor pruned.
      const visible = (object: Manifest) => permitsLive(project, object, application.spec.destination);
      const live = { ...found, objects: found.objects.filter(visible) };
      const { targets } = loaded;
      const permits = (object: Manifest) => {
        const namespaced = isNamespaced(object, catalogue);
        return permitsKind(project.spec, { group: groupOf(object), kind: object.kind, namespaced });
      };
      try {
        checkRules(application.spec.ignoreDifferences ?? []);
        const { ignoreDifferences = [], syncPolicy } = application.spec;
        const work = comparing({
          application: application.metadata.name,
          ...(targets === undefined ? {} : { targets }),
          live: live.objects,
          ignoreDifferences,
          serverSide: parseSyncOptions(syncPolicy?.syncOptions).get("ServerSideApply") === "true",
          permits,
        });
        const comparison = await inTurns(work);
        // ⚠ Nothing compares the namespace's own metadata: that they are to change makes the whole OutOfSync.
        const outdated = targets !== undefined && hasOtherNamespaceMetadata(application);
        const managed = new Set(comparison.resources.map(({ key }) => keyText(key)));
        const orphans = await findOrphans(client, catalogue, application, project.spec, managed);
        const shared = targets === undefined ? [] : sharedResources(application, targets, live.objects);
        return {
          ...loaded,
          source,
          project,
          conditions: [...loaded.conditions, ...shared, ...orphanWarning(orphans, project.spec)],
          comparison: outdated ? { ...comparison, status: "OutOfSync" } : comparison,
          live,
          catalogue,
        };
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        const message = `Failed to compare desired state to live state: ${error.message}`;
        const known = compare({
          application: application.metadata.name,
          ...(targets === undefined ? {} : { targets }),
          live: live.objects,
          ignoreDifferences: [],
        });
        const comparison = {
          ...known,
          status: "Unknown" as const,
          resources: known.resources.map((one) => ({
            ...one,
            status: { ...one.status, status: "Unknown" as const },
          })),
        };
        return {
          ...loaded,
          source,
          project,
          conditions: [...loaded.conditions, { type: "ComparisonError", message }],
          comparison,
          live,
          catalogue,
        };
      }
    },
  };
}

function orphanWarning(
  orphans: readonly Manifest[],
  { orphanedResources }: AppProjectSpec,
): ApplicationCondition[] {
  if (orphans.length === 0 || orphanedResources?.warn === false) return [];
  const message = `Application has ${orphans.length} orphaned resources`;
  return [{ type: "OrphanedResourceWarning", message }];
}

/** Whether the manifests themselves cannot be read, now and for ever; the rest may pass. */
const isOfTheCommit = (error: unknown): boolean => error instanceof SourceError && error.lasting;

const noObjects: LiveObjects = { objects: [], images: [], uids: new Set() };
const notCompared: Comparison = { resources: [], status: "Unknown", health: "Unknown" };

/** The project of an Application; the default one is there even where nobody made it. */
export async function findProject(
  client: ResourceClient,
  application: Application,
): Promise<{ name: string; spec: AppProjectSpec } | undefined> {
  const name =
    application.spec.project === "" || application.spec.project === undefined
      ? "default"
      : application.spec.project;
  const { namespace } = application.metadata;
  try {
    const project = await client.get(AppProject, namespace === undefined ? { name } : { namespace, name });
    return { name, spec: project.spec };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return name === "default" ? { name, spec: defaultProject.spec } : undefined;
  }
}

function sharedResources(
  application: Application,
  targets: readonly Manifest[],
  live: readonly Manifest[],
): ApplicationCondition[] {
  const wanted = new Set(targets.map((target) => keyText(keyOf(target))));
  const { namespace, name } = application.metadata;
  return live.flatMap((object) => {
    const owner = trackedBy(object.metadata);
    if (owner === undefined || owner === name || !wanted.has(keyText(keyOf(object)))) return [];
    const message = `${object.kind}/${object.metadata.name} is part of applications ${namespace}/${name} and ${owner}`;
    return [{ type: "SharedResourceWarning" as const, message }];
  });
}

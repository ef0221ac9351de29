import type { Clock } from "@tracegate/contracts";
import { type Controller, controllerOf, type Requeue } from "@tracegate/controller-runtime";
import { isNotFound, type Kind, type KubeObject, type Ref, type ResourceClient } from "@tracegate/kube";
import { type Generated, generateParams, requeueAfterMs } from "./applicationset/generators.ts";
import { TemplateError } from "./applicationset/go-template.ts";
import { GeneratorError } from "./applicationset/params.ts";
import {
  applicationSetConditions,
  deletes,
  type ErrorReason,
  planning,
  renderingApplications,
  updates,
} from "./applicationset/plan.ts";
import { refOf } from "./apply.ts";
import { resourcesFinalizer } from "./deletion-plan.ts";
import type { GitRepositories } from "./git/repositories.ts";
import { mergePatch } from "./merge-patch.ts";
import { keepParameters } from "./reading/kept-parameters.ts";
import { readHere, type SourceReader } from "./reading/source-reader.ts";
import { invalidDestination } from "./spec.ts";
import { wholeSeconds } from "./sync/retry.ts";
import { inTurns, objectsATurn, turn } from "./turns.ts";
import { AppProject } from "./types/app-project.ts";
import { Application } from "./types/application.ts";
import { ApplicationSet, type ApplicationSetStatus } from "./types/application-set.ts";

export interface ApplicationSetControllerOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly git: GitRepositories;
  /** Who reads a commit's files; absent: this process. */
  readonly sources?: SourceReader;
  /** How often generators that say nothing are asked again (upstream: 180 s). */
  readonly pollIntervalMs?: number;
}

/** Creates, updates and deletes the Applications that ApplicationSets ask for. */
export function applicationSetController(
  options: ApplicationSetControllerOptions,
): Controller<ApplicationSet> {
  const { client, clock, git } = options;
  const sources = keepParameters(options.sources ?? readHere(git));
  const pollIntervalMs = options.pollIntervalMs ?? 180_000;
  const uncached: GitRepositories = {
    ...git,
    resolve: (repoURL, revision) => git.resolve(repoURL, revision, { fresh: true }),
  };

  async function reconcileSet(set: ApplicationSet, anew: boolean): Promise<Problem | undefined> {
    const refused = unsupportedField(set);
    if (refused !== undefined)
      return { reason: "ApplicationValidationError", message: refused, generated: false };
    let generated: Generated[];
    try {
      generated = await generateParams(set.spec, anew ? uncached : git, sources);
    } catch (error) {
      if (!(error instanceof GeneratorError || error instanceof TemplateError)) throw error;
      return { reason: "ApplicationGenerationFromParamsError", message: error.message, generated: false };
    }
    let wanted: Application[];
    try {
      wanted = await inTurns(renderingApplications(set, generated));
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      return { reason: "RenderTemplateParamsError", message: error.message, generated: false };
    }
    const existing = await ownedApplications(set);
    const projects = await projectNames(set);
    const invalid = (application: Application) => invalidApplication(application, projects);
    const plan = await inTurns(planning(set, wanted, existing, invalid));
    // One that is refused does not keep the others from being written; the first refusal is told.
    const writing = updates(set) ? "UpdateApplicationError" : "CreateApplicationError";
    const failures = [
      ...(await attemptAll(writing, plan.create, (one) => client.create(Application, one))),
      ...(await attemptAll(writing, plan.update, (one) => client.update(Application, one))),
    ];
    if (failures.length === 0)
      failures.push(
        ...(await attemptAll("DeleteApplicationError", plan.remove, (one) =>
          client.delete(Application, refOf(one)),
        )),
      );
    if (failures[0] !== undefined) return failures[0];
    return plan.error === undefined
      ? undefined
      : { reason: "ApplicationValidationError", message: plan.error, generated: true };
  }

  const patchMetadata = <T extends KubeObject>(kind: Kind<T>, object: T, metadata: object) =>
    client.patch(kind, refOf(object), { type: "merge", body: { metadata } });

  /**
   * Garbage collection takes the Applications of a set that is gone. Where the policy keeps them they are let go of
   * first, for which the set needs the finalizer.
   */
  async function finalize(set: ApplicationSet): Promise<void> {
    const { finalizers = [] } = set.metadata;
    if (!finalizers.includes(resourcesFinalizer)) return;
    if (!deletes(set)) {
      for (const application of await ownedApplications(set)) {
        const ownerReferences = (application.metadata.ownerReferences ?? []).filter(
          ({ uid }) => uid !== set.metadata.uid,
        );
        await patchMetadata(Application, application, { ownerReferences });
      }
    }
    const rest = finalizers.filter((finalizer) => finalizer !== resourcesFinalizer);
    await patchMetadata(ApplicationSet, set, { finalizers: rest });
  }

  async function ownedApplications(set: ApplicationSet): Promise<Application[]> {
    const { namespace, uid } = set.metadata;
    const { items } = await client.list(Application, namespace === undefined ? {} : { namespace });
    return items.filter(
      ({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid) === true,
    );
  }

  async function projectNames(set: ApplicationSet): Promise<ReadonlySet<string>> {
    const { namespace } = set.metadata;
    const { items } = await client.list(AppProject, namespace === undefined ? {} : { namespace });
    return new Set(["default", ...items.map(({ metadata }) => metadata.name)]);
  }

  async function writeStatus(set: ApplicationSet, problem: Problem | undefined): Promise<void> {
    const applications = await ownedApplications(set);
    const resources = applications
      .map(({ metadata, status }) => ({
        group: "argoproj.io",
        version: "v1alpha1",
        kind: "Application",
        name: metadata.name,
        namespace: metadata.namespace ?? "",
        ...(status?.sync?.status === undefined ? {} : { status: status.sync.status }),
        ...(status?.health?.status === undefined ? {} : { health: { status: status.health.status } }),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .slice(0, maxResources);
    const before = set.status ?? {};
    const status: ApplicationSetStatus = {
      ...before,
      conditions: applicationSetConditions(before.conditions, problem, wholeSeconds(clock.now())),
      resources,
    };
    const change = mergePatch(before, status);
    if (change === undefined) return;
    const ref = refOf(set);
    await client.patch(
      ApplicationSet,
      ref,
      { type: "merge", body: { status: change } },
      { subresource: "status" },
    );
  }

  return {
    name: "applicationsets",
    kind: ApplicationSet,
    watches: [{ kind: Application, map: controllerOf(ApplicationSet) }],
    async reconcile(ref: Ref): Promise<Requeue | undefined> {
      let set: ApplicationSet;
      try {
        set = await client.get(ApplicationSet, ref);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
      if (set.metadata.deletionTimestamp !== undefined) {
        await finalize(set);
        return undefined;
      }
      const asked = set.metadata.annotations?.[refreshAnnotation] === "true";
      const problem = await reconcileSet(set, asked);
      await writeStatus(set, problem);
      if (asked) await patchMetadata(ApplicationSet, set, { annotations: { [refreshAnnotation]: null } });
      // ⚠ Who could not generate anything waits, however often the generators are to be asked, as upstream.
      if (problem?.generated === false) return { requeueAfterMs: afterErrorMs };
      const after = requeueAfterMs(set.spec, pollIntervalMs) ?? (problem && afterErrorMs);
      return after === undefined ? undefined : { requeueAfterMs: after };
    },
  };
}

const afterErrorMs = 180_000;

const refreshAnnotation = "argocd.argoproj.io/application-set-refresh";

type Problem = { reason: ErrorReason; message: string; generated: boolean };

/** More would make the object too large to store. */
const maxResources = 5000;

async function attemptAll(
  reason: ErrorReason,
  applications: readonly Application[],
  action: (application: Application) => Promise<unknown>,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const [index, application] of applications.entries()) {
    // Where the API is in this process, nothing else lets others go on.
    if (index % objectsATurn === objectsATurn - 1) await turn();
    const problem = await attempt(reason, () => action(application));
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

async function attempt(reason: ErrorReason, action: () => Promise<unknown>): Promise<Problem | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined; // already gone
    return { reason, message: error instanceof Error ? error.message : String(error), generated: true };
  }
}

function invalidApplication({ spec }: Application, projects: ReadonlySet<string>): string | undefined {
  if (!projects.has(spec.project))
    return `application references project ${spec.project} which does not exist`;
  const invalid = invalidDestination(spec.destination);
  return invalid === undefined ? undefined : `application destination spec is invalid: ${invalid}`;
}

/** Fields that change what is generated and are not worked with yet: refused rather than ignored. */
function unsupportedField({ spec }: ApplicationSet): string | undefined {
  if (spec.strategy !== undefined && JSON.stringify(spec.strategy) !== "{}")
    return "spec.strategy is not supported";
  return undefined;
}

import { isObject } from "@tracegate/kube";
import { mergePatch } from "../status.ts";
import type { Application } from "../types/application.ts";
import type { ApplicationSet, ApplicationSetCondition } from "../types/application-set.ts";
import { fill, type Params } from "./generators.ts";

const resourcesFinalizer = "resources-finalizer.argocd.argoproj.io";

/** Annotations of an Application that are not the template's to decide. */
const preservedAnnotations = [
  "notified.notifications.argoproj.io",
  "argocd.argoproj.io/refresh",
  "argocd.argoproj.io/hydrate",
];

/** The Applications that an ApplicationSet asks for. */
export function renderApplications(set: ApplicationSet, params: readonly Params[]): Application[] {
  return params.map((one) => {
    const filled = fillAll(set.spec.template, one, set) as ApplicationSet["spec"]["template"]; // same shape, texts filled in
    const { name, labels, annotations, finalizers = [] } = filled.metadata;
    const keep = set.spec.syncPolicy?.preserveResourcesOnDeletion === true;
    const all = finalizers.length > 0 || keep ? finalizers : [resourcesFinalizer];
    return {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Application",
      metadata: {
        name,
        ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ...(all.length === 0 ? {} : { finalizers: all }),
        ownerReferences: [
          {
            apiVersion: "argoproj.io/v1alpha1",
            kind: "ApplicationSet",
            name: set.metadata.name,
            uid: set.metadata.uid ?? "",
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: filled.spec,
    };
  });
}

function fillAll(value: unknown, params: Params, set: ApplicationSet): unknown {
  if (typeof value === "string") return fill(value, params, set.spec);
  if (Array.isArray(value)) return value.map((item) => fillAll(item, params, set));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [fill(key, params, set.spec), fillAll(child, params, set)]),
  );
}

export interface ApplicationSetPlan {
  readonly create: readonly Application[];
  /** What is there, as it should be. */
  readonly update: readonly Application[];
  readonly remove: readonly Application[];
  /** Why some of what was generated is left out. */
  readonly error?: string;
}

/**
 * What follows from what is wanted and what is there. An Application that cannot be valid is left out, and left alone
 * where it exists; the others go on.
 */
export function planApplications(
  set: ApplicationSet,
  wanted: readonly Application[],
  existing: readonly Application[],
  invalid: (application: Application) => string | undefined,
): ApplicationSetPlan {
  const errors: string[] = [];
  const valid = new Map<string, Application>();
  const mentioned = new Set<string>();
  for (const application of wanted) {
    const { name } = application.metadata;
    const reason =
      name === undefined || name === ""
        ? `ApplicationSet ${set.metadata.name} contains an application with no name; a name must be set in the template's metadata.name or via a templatePatch (generateName is not supported)`
        : valid.has(name)
          ? `ApplicationSet ${set.metadata.name} contains applications with duplicate name: ${name}`
          : invalid(application);
    if (reason !== undefined) errors.push(reason);
    else valid.set(name, application);
    mentioned.add(name);
  }
  const policy = set.spec.syncPolicy?.applicationsSync ?? "sync";
  const there = new Map(existing.map((application) => [application.metadata.name, application]));
  const create: Application[] = [];
  const update: Application[] = [];
  for (const [name, application] of valid) {
    const live = there.get(name);
    if (live === undefined) create.push(application);
    else if (policy === "sync" || policy === "create-update") {
      const updated = updatedApplication(live, application, set);
      if (mergePatch(live, updated) !== undefined) update.push(updated);
    }
  }
  const remove =
    policy === "sync" || policy === "create-delete"
      ? existing.filter(({ metadata }) => !mentioned.has(metadata.name))
      : [];
  const [first] = errors;
  const more = errors.length - 1;
  return {
    create,
    update,
    remove: remove.filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    ...(first === undefined ? {} : { error: more > 0 ? `${first} (and ${more} more)` : first }),
  };
}

/** The live Application with the template's spec, labels, annotations and finalizers; status and operation are its own. */
function updatedApplication(live: Application, wanted: Application, set: ApplicationSet): Application {
  const keep = (kind: "annotations" | "labels", own: readonly string[]) => {
    const names = [...own, ...(set.spec.preservedFields?.[kind] ?? [])];
    const kept = Object.entries(live.metadata[kind] ?? {}).filter(([name]) => names.includes(name));
    const all = { ...Object.fromEntries(kept), ...wanted.metadata[kind] };
    return Object.keys(all).length === 0 ? {} : { [kind]: all };
  };
  const { labels: _labels, annotations: _annotations, finalizers: _finalizers, ...metadata } = live.metadata;
  return {
    ...live,
    spec: { ...wanted.spec },
    metadata: {
      ...metadata,
      ...keep("labels", []),
      ...keep("annotations", preservedAnnotations),
      ...(wanted.metadata.finalizers === undefined ? {} : { finalizers: wanted.metadata.finalizers }),
      ownerReferences: wanted.metadata.ownerReferences ?? [],
    },
  };
}

export type ErrorReason =
  | "ApplicationGenerationFromParamsError"
  | "RenderTemplateParamsError"
  | "ApplicationValidationError"
  | "CreateApplicationError"
  | "UpdateApplicationError"
  | "DeleteApplicationError";

/** The three conditions; `problem` tells what went wrong, and whether parameters were generated before it did. */
export function applicationSetConditions(
  current: readonly ApplicationSetCondition[] | undefined,
  problem: { reason: ErrorReason; message: string; generated: boolean } | undefined,
  now: string,
): ApplicationSetCondition[] {
  const generated = "Successfully generated parameters for all Applications";
  const found: Omit<ApplicationSetCondition, "lastTransitionTime">[] =
    problem === undefined
      ? [
          { type: "ErrorOccurred", status: "False", reason: "ApplicationSetUpToDate", message: generated },
          { type: "ParametersGenerated", status: "True", reason: "ParametersGenerated", message: generated },
          {
            type: "ResourcesUpToDate",
            status: "True",
            reason: "ApplicationSetUpToDate",
            message: "ApplicationSet up to date",
          },
        ]
      : [
          { type: "ErrorOccurred", status: "True", reason: problem.reason, message: problem.message },
          problem.generated
            ? {
                type: "ParametersGenerated",
                status: "True",
                reason: "ParametersGenerated",
                message: generated,
              }
            : {
                type: "ParametersGenerated",
                status: "False",
                reason: "ErrorOccurred",
                message: problem.message,
              },
          { type: "ResourcesUpToDate", status: "False", reason: problem.reason, message: problem.message },
        ];
  return found.map((condition) => {
    const same = current?.find(
      ({ type, status, message }) =>
        type === condition.type && status === condition.status && message === condition.message,
    );
    return { ...condition, lastTransitionTime: same?.lastTransitionTime ?? now };
  });
}

import { applyMergePatch, isObject } from "@tracegate/kube";
import { withIgnoredOf } from "../compare/ignore-differences.ts";
import { resourcesFinalizer } from "../deletion-plan.ts";
import { mergePatch } from "../merge-patch.ts";
import { readYaml } from "../render/yaml-documents.ts";
import { objectsATurn } from "../turns.ts";
import type { Application } from "../types/application.ts";
import type {
  ApplicationSet,
  ApplicationSetCondition,
  ApplicationTemplate,
} from "../types/application-set.ts";
import { deepMerge } from "./combining.ts";
import type { Generated } from "./generators.ts";
import { TemplateError } from "./go-template.ts";
import { fill, fillAll, type Params } from "./params.ts";

/** Whether Applications may be deleted that a set no longer asks for. */
export const deletes = ({ spec }: ApplicationSet): boolean =>
  ["sync", "create-delete"].includes(spec.syncPolicy?.applicationsSync ?? "sync");

/** Whether Applications may be changed after they were made. */
export const updates = ({ spec }: ApplicationSet): boolean =>
  ["sync", "create-update"].includes(spec.syncPolicy?.applicationsSync ?? "sync");

/** Annotations of an Application that are not the template's to decide. */
const preservedAnnotations = [
  "notified.notifications.argoproj.io",
  "argocd.argoproj.io/refresh",
  "argocd.argoproj.io/hydrate",
];

/** The Applications that an ApplicationSet asks for, with pauses for others. */
export function* renderingApplications(
  set: ApplicationSet,
  generated: readonly Generated[],
): Generator<void, Application[]> {
  const applications: Application[] = [];
  for (const one of generated) {
    applications.push(renderApplication(set, one));
    if (applications.length % objectsATurn === 0) yield;
  }
  return applications;
}

function renderApplication(set: ApplicationSet, { params, templates }: Generated): Application {
  const { spec } = set;
  const template = templates.reduce((base, over) => deepMerge(base, over), spec.template);
  const filled = fillAll(template, params, spec) as ApplicationTemplate; // same shape, texts filled in
  const { metadata, spec: wanted } = patchedTemplate(filled, params, spec);
  const { name, labels, annotations, finalizers = [] } = metadata;
  const keep = spec.syncPolicy?.preserveResourcesOnDeletion === true;
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
    spec: wanted,
  };
}

/** `templatePatch` may set what is no text. Lists of an Application have no merge keys: they are replaced. */
function patchedTemplate(
  template: ApplicationTemplate,
  params: Params,
  spec: ApplicationSet["spec"],
): ApplicationTemplate {
  if (spec.templatePatch === undefined || spec.templatePatch === "") return template;
  const text = fill(spec.templatePatch, params, spec);
  const { documents, error } = readYaml(text);
  const patch = documents[0]?.value ?? {};
  const failure = error ?? (isObject(patch) ? undefined : "expected an object");
  if (failure !== undefined || !isObject(patch))
    throw new TemplateError(`error while converting template to json ${JSON.stringify(text)}: ${failure}`);
  return applyMergePatch(template, patch) as ApplicationTemplate; // validated like every other Application
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
 * where it exists; the others go on. With pauses for the rest of the process.
 */
export function* planning(
  set: ApplicationSet,
  wanted: readonly Application[],
  existing: readonly Application[],
  invalid: (application: Application) => string | undefined,
): Generator<void, ApplicationSetPlan> {
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
  let compared = 0;
  for (const [name, application] of valid) {
    const live = there.get(name);
    if (live === undefined) create.push(application);
    else if (policy === "sync" || policy === "create-update") {
      if (++compared % objectsATurn === 0) yield;
      const updated = keepIgnored(live, updatedApplication(live, application, set), set);
      if (mergePatch(live, updated) !== undefined) update.push(updated);
    }
  }
  const remove = deletes(set) ? existing.filter(({ metadata }) => !mentioned.has(metadata.name)) : [];
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

/** The wanted Application with those fields of the live one that are not the template's to decide. */
function keepIgnored(live: Application, wanted: Application, set: ApplicationSet): Application {
  const rules = (set.spec.ignoreApplicationDifferences ?? []).map((rule) => ({
    ...rule,
    group: "*",
    kind: "*",
  }));
  return withIgnoredOf({ ...live }, { ...wanted }, rules) as unknown as Application; // a manifest of the same kind
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

import {
  builtInErrors,
  builtInType,
  DecodeError,
  fieldErrorText,
  isObject,
  ReplicaSet,
  withBuiltInDefaults,
} from "@tracegate/kube";
import { bad } from "./field-problems.ts";
import type { Rollout } from "./types.ts";

/**
 * What a ReplicaSet with this selector and template would be refused for, so far as upstream looks at it: what depends on
 * the node's namespaces and on privileges is left to the API, which refuses the ReplicaSet then.
 */
export function templateProblem({ metadata, spec }: Rollout): string | undefined {
  const type = builtInType("apps/v1", "ReplicaSet");
  if (spec.workloadRef !== undefined || type === undefined) return undefined;
  const { name, namespace = "default" } = metadata;
  const replicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name, namespace },
    spec: { replicas: 0, selector: { ...spec.selector }, template: looked(spec.template) },
  };
  try {
    const [problem] = builtInErrors(ReplicaSet, withBuiltInDefaults(type, replicaSet));
    return problem === undefined ? variableProblem(spec.template) : fieldErrorText(problem);
  } catch (error) {
    if (error instanceof DecodeError) return `spec.template: Invalid value: ${error.message}`;
    throw error;
  }
}

type Template = Rollout["spec"]["template"];
type Json = Readonly<Record<string, unknown>>;

const containerLists = ["containers", "initContainers"] as const;

/** The template without what upstream does not look at. */
function looked(template: Template): Json {
  if (template === undefined || !isObject(template.spec)) return { ...template };
  const { hostNetwork: _, hostPID: __, hostIPC: ___, ...spec }: Json = template.spec;
  const lists = containerLists.flatMap((list) => {
    const containers = spec[list];
    return Array.isArray(containers) ? [[list, containers.map(unprivileged)] as const] : [];
  });
  return { ...template, spec: { ...spec, ...Object.fromEntries(lists) } };
}

function unprivileged(container: unknown): unknown {
  if (!isObject(container) || !isObject(container["securityContext"])) return container;
  const { privileged, ...context } = container["securityContext"];
  return privileged === true ? { ...container, securityContext: context } : container;
}

/** Upstream holds to the older rule for the names of environment variables; the API lets nearly all of them through. */
function variableProblem(template: Template): string | undefined {
  const spec: Json = { ...template?.spec };
  for (const list of containerLists)
    for (const [i, container] of entriesOf(spec[list]))
      for (const [j, variable] of entriesOf(isObject(container) ? container["env"] : undefined)) {
        const name = isObject(variable) ? variable["name"] : undefined;
        if (typeof name === "string" && !/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name))
          return bad(
            `spec.template.spec.${list}[${i}].env[${j}].name`,
            name,
            "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')",
          );
      }
  return undefined;
}

const entriesOf = (list: unknown): Iterable<[number, unknown]> => (Array.isArray(list) ? list.entries() : []);

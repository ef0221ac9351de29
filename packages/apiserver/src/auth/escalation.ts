import type { KubeObject, StatusError } from "@tracegate/kube";
import type { Store } from "@tracegate/store";
import { forbidden, notFound, qualified } from "../core/refusals.ts";
import type { ServedKind } from "../core/served-kinds.ts";
import { authorize, missingRoles, type PolicyRule, roleExists, rulesOfRole } from "./rbac.ts";
import { MASTERS, type User } from "./user.ts";

const GROUP = "rbac.authorization.k8s.io";

/**
 * Nobody hands out more than they hold: writing a role needs every permission in it (or `escalate` on it), binding one
 * needs every permission of the role (or `bind`). Returns the check for a write of this kind, if it needs one.
 */
export function escalationCheck(
  store: Store,
  user: User,
  served: ServedKind,
): ((object: KubeObject) => void) | undefined {
  if (served.group !== GROUP || user.groups.includes(MASTERS)) return undefined;
  return (object) => {
    const { name, namespace } = object.metadata;
    const { rules, roleRef } = object as KubeObject & {
      rules?: readonly PolicyRule[] | null;
      roleRef?: { kind: string; name: string };
    };
    if (roleRef !== undefined) checkRoleExists(store, served, roleRef, namespace);
    const granted = roleRef === undefined ? (rules ?? []) : rulesOfRole(store, { roleRef }, namespace);
    const plural =
      roleRef === undefined ? served.plural : roleRef.kind === "ClusterRole" ? "clusterroles" : "roles";
    const special = {
      verb: roleRef === undefined ? "escalate" : "bind",
      resource: {
        group: GROUP,
        plural,
        name: roleRef?.name ?? name,
        ...(namespace === undefined ? {} : { namespace }),
      },
    };
    if (authorize(store, user, special).allowed) return;
    const missing = granted.flatMap(singleRules).filter((rule) => !holds(store, user, rule, namespace));
    if (missing.length === 0) return;
    throw refusal(served, name, user, missing, unresolved(store, served, user, namespace));
  };
}

function checkRoleExists(
  store: Store,
  served: ServedKind,
  roleRef: { kind: string; name: string },
  namespace: string | undefined,
): void {
  // Upstream tells of it as of the resource that was written.
  if (!roleExists(store, { roleRef }, namespace)) throw notFound(served, roleRef.name);
}

/** What the rules of a user could not be made of: bindings to roles that are not there. */
function unresolved(store: Store, served: ServedKind, user: User, namespace: string | undefined): string[] {
  return missingRoles(store, user, namespace).map(
    (name) => `${qualified(served)} ${JSON.stringify(name)} not found`,
  );
}

/** A rule in parts that each grant one verb on one thing. */
function singleRules(rule: PolicyRule): PolicyRule[] {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const ofResources = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb): PolicyRule[] => {
        const one = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (resourceNames.length === 0) return [one];
        return resourceNames.map((name) => ({ ...one, resourceNames: [name] }));
      }),
    ),
  );
  const ofPaths = nonResourceURLs.flatMap((path) =>
    verbs.map((verb): PolicyRule => ({ nonResourceURLs: [path], verbs: [verb] })),
  );
  return [...ofResources, ...ofPaths];
}

function holds(store: Store, user: User, rule: PolicyRule, namespace: string | undefined): boolean {
  const { verbs: [verb = ""] = [], apiGroups: [group = ""] = [], resources: [resource = ""] = [] } = rule;
  const { resourceNames: [name] = [], nonResourceURLs: [path] = [] } = rule;
  if (path !== undefined) return authorize(store, user, { verb, path }).allowed;
  const [plural = "", subresource] = resource.split("/");
  const wanted = {
    group,
    plural,
    ...(namespace === undefined ? {} : { namespace }),
    ...(subresource === undefined ? {} : { subresource }),
    ...(name === undefined ? {} : { name }),
  };
  return authorize(store, user, { verb, resource: wanted }).allowed;
}

function refusal(
  served: ServedKind,
  name: string,
  user: User,
  missing: readonly PolicyRule[],
  unresolved: readonly string[],
): StatusError {
  const shown = [...new Set(compacted(missing).map(ruleText))].sort();
  const errors = unresolved.length === 0 ? "" : `; resolution errors: [${listed(unresolved)}]`;
  const why =
    `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions ` +
    `not currently held:\n${shown.join("\n")}${errors}`;
  return forbidden(served, name, why);
}

const listed = (texts: readonly string[]): string =>
  texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;

/** The verbs on the same thing in one rule. */
function compacted(rules: readonly PolicyRule[]): PolicyRule[] {
  const simple = new Map<string, PolicyRule>();
  const others: PolicyRule[] = [];
  for (const rule of rules) {
    if (rule.nonResourceURLs !== undefined) {
      others.push(rule);
      continue;
    }
    const { verbs = [], ...thing } = rule;
    const key = JSON.stringify(thing);
    simple.set(key, { ...thing, verbs: [...(simple.get(key)?.verbs ?? []), ...verbs] });
  }
  return [...others, ...simple.values()];
}

function ruleText({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts = { APIGroups: apiGroups, Resources: resources, NonResourceURLs: nonResourceURLs };
  const shown = Object.entries({ ...parts, ResourceNames: resourceNames, Verbs: verbs })
    .filter(([, values]) => values !== undefined && values.length > 0)
    .map(([label, values]) => `${label}:${quotedList(values ?? [])}`);
  return `{${shown.join(", ")}}`;
}

const quotedList = (values: readonly string[]): string =>
  `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;

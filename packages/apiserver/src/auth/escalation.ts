import type { KubeObject, StatusError } from "@tracegate/kube";
import type { Store } from "@tracegate/store";
import { forbidden } from "../core/refusals.ts";
import type { ServedKind } from "../core/served-kinds.ts";
import { authorize, type PolicyRule, rulesOfRole } from "./rbac.ts";
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
    const missing = granted.filter((rule) => !holds(store, user, rule, namespace));
    if (missing.length > 0) throw refusal(served, name, user, missing);
  };
}

function holds(store: Store, user: User, rule: PolicyRule, namespace: string | undefined): boolean {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const place = namespace === undefined ? {} : { namespace };
  const names = resourceNames.length === 0 ? [undefined] : resourceNames;
  return verbs.every(
    (verb) =>
      nonResourceURLs.every((path) => authorize(store, user, { verb, path }).allowed) &&
      apiGroups.every((group) =>
        resources.every((resource) =>
          names.every((name) => {
            const [plural = "", subresource] = resource.split("/");
            const wanted = {
              group,
              plural,
              ...place,
              ...(subresource === undefined ? {} : { subresource }),
              ...(name === undefined ? {} : { name }),
            };
            return authorize(store, user, { verb, resource: wanted }).allowed;
          }),
        ),
      ),
  );
}

function refusal(served: ServedKind, name: string, user: User, missing: readonly PolicyRule[]): StatusError {
  const list = (values: readonly string[]) => `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;
  const shown = missing.map(
    ({ apiGroups = [], resources = [], nonResourceURLs = [], verbs = [] }) =>
      `{APIGroups:${list(apiGroups)}, Resources:${list(resources)}${
        nonResourceURLs.length === 0 ? "" : `, NonResourceURLs:${list(nonResourceURLs)}`
      }, Verbs:${list(verbs)}}`,
  );
  const why =
    `user ${JSON.stringify(user.name)} (groups=${list(user.groups)}) is attempting to grant RBAC permissions ` +
    `not currently held:\n${shown.join("\n")}`;
  return forbidden(served, name, why);
}

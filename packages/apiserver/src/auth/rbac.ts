import type { KubeObject } from "@tracegate/kube";
import type { Store } from "@tracegate/store";
import { MASTERS, type User } from "./user.ts";

/** What someone wants to do. */
export interface AccessRequest {
  readonly verb: string;
  /** Absent where the request is for a path. */
  readonly resource?: {
    readonly group: string;
    readonly plural: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly path?: string;
}

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

export interface PolicyRule {
  readonly verbs?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

interface Binding extends KubeObject {
  readonly subjects?: readonly { kind: string; name: string; namespace?: string }[];
  readonly roleRef: { readonly kind: string; readonly name: string };
}

interface Role extends KubeObject {
  readonly rules?: readonly PolicyRule[] | null;
  readonly aggregationRule?: {
    readonly clusterRoleSelectors?: readonly { matchLabels?: Record<string, string> }[];
  };
}

const RBAC = "rbac.authorization.k8s.io";

/** Decides by the roles that are bound to a user, read from the store at every request. */
export function authorize(store: Store, user: User, request: AccessRequest): Decision {
  if (user.groups.includes(MASTERS)) return { allowed: true, reason: "" };
  for (const { rules, reason } of rulesOf(store, user, request.resource?.namespace)) {
    if (rules.some((rule) => ruleAllows(rule, request))) return { allowed: true, reason };
  }
  return { allowed: false, reason: "" };
}

/** The rules that hold for a user, cluster-wide and in a namespace, with how each came about. */
export function* rulesOf(
  store: Store,
  user: User,
  namespace: string | undefined,
): Generator<{ rules: readonly PolicyRule[]; reason: string }> {
  for (const binding of bindings(store, `clusterrolebindings.${RBAC}/`)) {
    const subject = subjectOf(binding, user);
    if (subject === undefined) continue;
    const reason = `RBAC: allowed by ClusterRoleBinding "${binding.metadata.name}" of ClusterRole "${binding.roleRef.name}" to ${subject}`;
    yield { rules: rulesOfRole(store, binding, undefined), reason };
  }
  if (namespace === undefined || namespace === "") return;
  for (const binding of bindings(store, `rolebindings.${RBAC}/${namespace}/`)) {
    const subject = subjectOf(binding, user);
    if (subject === undefined) continue;
    const { kind, name } = binding.roleRef;
    const reason = `RBAC: allowed by RoleBinding "${binding.metadata.name}/${namespace}" of ${kind} "${name}" to ${subject}`;
    yield { rules: rulesOfRole(store, binding, namespace), reason };
  }
}

function bindings(store: Store, prefix: string): Binding[] {
  // The collection holds bindings only.
  return store.list(prefix).map(({ value }) => value as unknown as Binding);
}

function subjectOf(binding: Binding, user: User): string | undefined {
  for (const { kind, name, namespace } of binding.subjects ?? []) {
    if (kind === "User" && name === user.name) return `User "${name}"`;
    if (kind === "Group" && user.groups.includes(name)) return `Group "${name}"`;
    if (kind !== "ServiceAccount") continue;
    const home = namespace ?? binding.metadata.namespace ?? "";
    if (user.name === `system:serviceaccount:${home}:${name}`) return `ServiceAccount "${name}/${home}"`;
  }
  return undefined;
}

const roleKey = ({ roleRef }: Pick<Binding, "roleRef">, namespace: string | undefined): string =>
  roleRef.kind === "ClusterRole"
    ? `clusterroles.${RBAC}/${roleRef.name}`
    : `roles.${RBAC}/${namespace ?? ""}/${roleRef.name}`;

export const roleExists = (
  store: Store,
  to: Pick<Binding, "roleRef">,
  namespace: string | undefined,
): boolean => store.get(roleKey(to, namespace)) !== undefined;

/** Names of the roles that are bound to a user and are not there. */
export function missingRoles(store: Store, user: User, namespace: string | undefined): string[] {
  const inNamespace = namespace ? bindings(store, `rolebindings.${RBAC}/${namespace}/`) : [];
  const missing = (binding: Binding, place: string | undefined) =>
    subjectOf(binding, user) !== undefined && !roleExists(store, binding, place);
  const found = [
    ...bindings(store, `clusterrolebindings.${RBAC}/`).filter((binding) => missing(binding, undefined)),
    ...inNamespace.filter((binding) => missing(binding, namespace)),
  ];
  return found.map(({ roleRef }) => roleRef.name);
}

export function rulesOfRole(store: Store, to: Pick<Binding, "roleRef">, namespace: string | undefined) {
  const entry = store.get(roleKey(to, namespace));
  if (entry === undefined) return [];
  const role = asRole(entry.value);
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  return [
    ...(role.rules ?? []),
    ...selectors.flatMap(({ matchLabels = {} }) => aggregated(store, role, matchLabels)),
  ];
}

/** Of a stored role: both collections hold roles only, checked when they were written. */
const asRole = (value: unknown): Role => value as Role;

/** Rules of the cluster roles that an aggregating one collects by label. */
function aggregated(store: Store, self: Role, matchLabels: Record<string, string>): PolicyRule[] {
  return store
    .list(`clusterroles.${RBAC}/`)
    .map(({ value }) => asRole(value))
    .filter(({ metadata }) => metadata.name !== self.metadata.name)
    .filter(({ metadata }) =>
      Object.entries(matchLabels).every(([key, value]) => metadata.labels?.[key] === value),
    )
    .flatMap(({ rules }) => rules ?? []);
}

export function ruleAllows(rule: PolicyRule, { verb, resource, path }: AccessRequest): boolean {
  if (!includes(rule.verbs, verb)) return false;
  if (resource === undefined)
    return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, path ?? ""));
  const { group, plural, subresource, name } = resource;
  if (!includes(rule.apiGroups, group)) return false;
  const full = subresource === undefined ? plural : `${plural}/${subresource}`;
  const listed = (rule.resources ?? []).some(
    (own) => own === "*" || own === full || (subresource !== undefined && own === `*/${subresource}`),
  );
  if (!listed) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (name !== undefined && names.includes(name));
}

const includes = (list: readonly string[] | undefined, wanted: string): boolean =>
  (list ?? []).some((own) => own === "*" || own === wanted);

const pathMatches = (pattern: string, path: string): boolean =>
  pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));

/** `User "jane" cannot list resource "pods" in API group "" in the namespace "default"`. */
export function denialText(user: User, { verb, resource, path }: AccessRequest): string {
  const who = `User ${JSON.stringify(user.name)}`;
  if (resource === undefined) return `${who} cannot ${verb} path ${JSON.stringify(path ?? "")}`;
  const what =
    resource.subresource === undefined ? resource.plural : `${resource.plural}/${resource.subresource}`;
  const scope =
    resource.namespace === undefined
      ? "at the cluster scope"
      : `in the namespace ${JSON.stringify(resource.namespace)}`;
  return `${who} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(resource.group)} ${scope}`;
}

import type { Kind } from "@tracegate/kube";
import { isObject, listAt, type Manifest, stringAt, valueAt } from "./manifest.ts";

/**
 * What `kubectl auth reconcile`, which goes before an application of roles and bindings, tells of one: first what it was, then what
 * was missing. What it changes the application changes, too; so only its words are here.
 */
export function reconcileWords(
  kind: Kind<Manifest>,
  target: Manifest,
  live: Manifest | undefined,
  dryRun: boolean,
): string[] {
  if (target.apiVersion !== "rbac.authorization.k8s.io/v1") return [];
  const name = `${kind.kind.toLowerCase()}.${kind.group}/${target.metadata.name} reconciled${dryRun ? " (dry run)" : ""}`;
  const isBinding = kind.kind.endsWith("Binding");
  const missing = isBinding ? missingSubjects(target, live) : missingRules(target, live);
  const operation = operationOf(target, live, missing.length > 0, isBinding);
  if (operation === undefined) return [name];
  const optedOut = live?.metadata.annotations?.["rbac.authorization.kubernetes.io/autoupdate"] === "false";
  const caveat = optedOut
    ? ", but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)"
    : "";
  const lines = [`reconciliation required ${operation}${caveat}`];
  if (missing.length > 0 && operation !== "recreate")
    lines.push(
      `\tmissing ${isBinding ? "subjects" : "rules"} added:`,
      ...missing.map((text) => `\t\t${text}`),
    );
  return [name, lines.join("\n")];
}

function operationOf(target: Manifest, live: Manifest | undefined, lacks: boolean, isBinding: boolean) {
  if (live === undefined) return "create";
  const sameRole = ["kind", "name"].every(
    (field) => stringAt(target, "roleRef", field) === stringAt(live, "roleRef", field),
  );
  if (isBinding && !sameRole) return "recreate";
  // What is there already stays as it is.
  const lacksKey = (field: "labels" | "annotations") =>
    Object.keys(target.metadata[field] ?? {}).some((key) => live.metadata[field]?.[key] === undefined);
  const aggregated = (role: Manifest) => valueAt(role, "aggregationRule") !== undefined;
  const isOther = !aggregated(target) && aggregated(live);
  return lacks || isOther || lacksKey("labels") || lacksKey("annotations") ? "update" : undefined;
}

/** The subjects that a binding lacks, as Go writes them. */
function missingSubjects(target: Manifest, live: Manifest | undefined): string[] {
  const texts = (binding: Manifest | undefined) =>
    listAt(binding, "subjects").map((subject) => {
      const field = (name: string) => stringAt(subject, name) ?? "";
      return `{Kind:${field("kind")} APIGroup:${field("apiGroup")} Name:${field("name")} Namespace:${field("namespace")}}`;
    });
  const present = texts(live);
  const wanted = texts(target);
  return live === undefined ? wanted : [...new Set(wanted)].filter((text) => !present.includes(text));
}

interface Rule {
  readonly verbs: readonly string[];
  readonly groups: readonly string[];
  readonly resources: readonly string[];
  readonly names: readonly string[];
  readonly urls: readonly string[];
}

function rulesOf(role: Manifest | undefined): Rule[] {
  return listAt(role, "rules").map((rule) => {
    const texts = (field: string) => (isObject(rule) ? listAt(rule, field).map(String) : []);
    return {
      verbs: texts("verbs"),
      groups: texts("apiGroups"),
      resources: texts("resources"),
      names: texts("resourceNames"),
      urls: texts("nonResourceURLs"),
    };
  });
}

/** The rules that a role lacks, as Go writes them: of one that is there in their smallest parts. */
function missingRules(target: Manifest, live: Manifest | undefined): string[] {
  const wanted = rulesOf(target);
  const present = rulesOf(live);
  const missing =
    live === undefined
      ? wanted
      : wanted.flatMap(partsOf).filter((part) => !present.some((rule) => covers(rule, part)));
  return missing.map(
    ({ verbs, groups, resources, names, urls }) =>
      `{Verbs:${goList(verbs)} APIGroups:${goList(groups)} Resources:${goList(resources)} ResourceNames:${goList(names)} NonResourceURLs:${goList(urls)}}`,
  );
}

const goList = (texts: readonly string[]): string => `[${texts.join(" ")}]`;

function partsOf({ verbs, groups, resources, names, urls }: Rule): Rule[] {
  const none: Rule = { verbs: [], groups: [], resources: [], names: [], urls: [] };
  const ofResources = groups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) => {
        const part = { ...none, verbs: [verb], groups: [group], resources: [resource] };
        return names.length === 0 ? [part] : names.map((name) => ({ ...part, names: [name] }));
      }),
    ),
  );
  return [
    ...ofResources,
    ...urls.flatMap((url) => verbs.map((verb) => ({ ...none, verbs: [verb], urls: [url] }))),
  ];
}

/** Whether a rule allows what a part, which has one of everything, asks for. */
function covers(rule: Rule, part: Rule): boolean {
  const all = (set: readonly string[], wanted: readonly string[]) =>
    set.includes("*") || wanted.every((text) => set.includes(text));
  const resource = (path: string) =>
    rule.resources.includes(path) ||
    (path.includes("/") && rule.resources.includes(`*/${path.slice(path.indexOf("/") + 1)}`));
  const url = (path: string) =>
    rule.urls.some((own) => own === path || (own.endsWith("*") && path.startsWith(own.replace(/\*+$/, ""))));
  return (
    all(rule.verbs, part.verbs) &&
    all(rule.groups, part.groups) &&
    (rule.resources.includes("*") || part.resources.every(resource)) &&
    (rule.names.length === 0 ||
      (part.names.length > 0 && part.names.every((name) => rule.names.includes(name)))) &&
    part.urls.every(url)
  );
}

import { applyMergePatch, copyJson, getKey } from "@tracegate/kube";
import { SourceError } from "../git/repositories.ts";
import { groupOf, isObject, type JsonObject, type Manifest } from "../manifest.ts";
import { mergePatch } from "../merge-patch.ts";
import { globExpression } from "../render/glob.ts";
import type { IgnoreDifferences } from "../types/application.ts";

/** Removes from `manifest` (in place) what `rules` say not to compare. `live` tells who owns which field. */
export function removeIgnored(
  manifest: Manifest,
  live: Manifest | undefined,
  rules: readonly IgnoreDifferences[],
): void {
  for (const rule of rules) {
    if (!applies(rule, manifest)) continue;
    for (const pointer of rule.jsonPointers ?? []) removePointer(manifest, pointer);
    for (const expression of rule.jqPathExpressions ?? []) removePath(manifest, parseJqPath(expression));
    for (const manager of rule.managedFieldsManagers ?? []) {
      for (const entry of live?.metadata.managedFields ?? []) {
        if (entry.manager === manager && entry.fieldsV1 !== undefined) removeOwned(manifest, entry.fieldsV1);
      }
    }
  }
}

/** What is wanted, with the values that `live` has in the fields not to be compared. */
export function withIgnoredOf(
  live: Manifest,
  wanted: Manifest,
  rules: readonly IgnoreDifferences[],
): Manifest {
  if (rules.length === 0) return wanted;
  const stripped = (manifest: Manifest): Manifest => {
    const copy = copyJson(manifest);
    removeIgnored(copy, live, rules);
    return copy;
  };
  const kept = mergePatch(stripped(live), live);
  return applyMergePatch(stripped(wanted), kept ?? {}) as Manifest; // what was taken away comes back from `live`
}

/** Reads every rule; throws what is wrong with one, whether or not an object is concerned. */
export function checkRules(rules: readonly IgnoreDifferences[]): void {
  for (const { jqPathExpressions = [] } of rules)
    for (const expression of jqPathExpressions) parseJqPath(expression);
}

function applies(rule: IgnoreDifferences, manifest: Manifest): boolean {
  return (
    globExpression(rule.group ?? "").test(groupOf(manifest)) &&
    globExpression(rule.kind).test(manifest.kind) &&
    (rule.name === undefined || rule.name === "" || rule.name === manifest.metadata.name) &&
    (rule.namespace === undefined || rule.namespace === "" || rule.namespace === manifest.metadata.namespace)
  );
}

function removePointer(root: unknown, pointer: string): void {
  const keys = pointer
    .split("/")
    .slice(1)
    .map((key) => key.replace(/~1/g, "/").replace(/~0/g, "~"));
  removePath(
    root,
    keys.map((key) => ({ key })),
  );
}

type Step =
  | { readonly key: string }
  | { readonly each: true; readonly where?: { field: string; value: string } };

/** Paths of jq: `.a.b`, `.a["b/c"]`, `[0]`, `[]`, `| select(.name == "x")` after `[]`. Everything else is refused by name. */
function parseJqPath(expression: string): readonly Step[] {
  const steps: Step[] = [];
  let rest = expression.trim();
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const match = pattern.exec(rest);
    if (match === null) return undefined;
    rest = rest.slice(match[0].length);
    return match;
  };
  while (rest !== "") {
    const each = take(/^\[\]\??(?:\s*\|\s*select\(\s*\.([\w-]+)\s*==\s*"([^"]*)"\s*\))?/);
    if (each !== undefined) {
      steps.push({
        each: true,
        ...(each[1] === undefined ? {} : { where: { field: each[1], value: each[2] ?? "" } }),
      });
      continue;
    }
    const named =
      take(/^\.?\["([^"]+)"\]\??/) ??
      take(/^\."([^"]+)"\??/) ??
      take(/^\.?\[(\d+)\]\??/) ??
      take(/^\.([A-Za-z_][\w-]*)\??/);
    if (named !== undefined) steps.push({ key: named[1] ?? "" });
    else if (take(/^(\.(?=\[)|\s*\|\s*)/) === undefined) {
      throw new SourceError(
        `jqPathExpression '${expression}' is not supported at '${rest}': expected a path such as .spec.containers[].image`,
      );
    }
  }
  return steps;
}

function removePath(at: unknown, steps: readonly Step[]): void {
  const [step, ...rest] = steps;
  if (step === undefined) return;
  if ("each" in step) {
    const { where } = step;
    const chosen = (item: unknown) =>
      where === undefined || (isObject(item) && String(item[where.field]) === where.value);
    if (Array.isArray(at)) {
      if (rest.length > 0) for (const item of at.filter(chosen)) removePath(item, rest);
      else at.splice(0, at.length, ...at.filter((item) => !chosen(item)));
    } else if (isObject(at)) {
      for (const [key, item] of Object.entries(at)) {
        if (!chosen(item)) continue;
        if (rest.length > 0) removePath(item, rest);
        else delete at[key];
      }
    }
    return;
  }
  if (Array.isArray(at)) {
    const index = Number(step.key);
    if (!Number.isInteger(index) || index >= at.length) return;
    if (rest.length > 0) removePath(at[index], rest);
    else at.splice(index, 1);
  } else if (isObject(at) && Object.hasOwn(at, step.key)) {
    if (rest.length > 0) removePath(at[step.key], rest);
    else delete at[step.key];
  }
}

/** Removes the leaves that a `fieldsV1` set names. */
function removeOwned(at: unknown, fields: JsonObject): void {
  for (const [name, inner] of Object.entries(fields)) {
    const children = isObject(inner) ? Object.keys(inner).filter((key) => key !== ".") : [];
    if (name.startsWith("f:") && isObject(at)) {
      const key = name.slice(2);
      if (children.length === 0) delete at[key];
      else removeOwned(getKey(at, key), inner as JsonObject); // children are there, so it is an object
    } else if (name.startsWith("k:") && Array.isArray(at)) {
      const wanted: unknown = JSON.parse(name.slice(2));
      const item = at.find(
        (entry) =>
          isObject(entry) && isObject(wanted) && Object.entries(wanted).every(([k, v]) => entry[k] === v),
      );
      if (item !== undefined && children.length > 0) removeOwned(item, inner as JsonObject); // as above
    }
  }
}

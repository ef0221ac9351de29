import { type FieldError, invalid as invalidField, notSupported, tooLong } from "@tracegate/kube";
import type { FieldValidation, WriteRequest } from "../core/context.ts";
import type { ListQuery } from "../core/reading.ts";
import { badRequest, invalid, invalidOptions } from "../core/refusals.ts";

/** The options of a write, from query and User-Agent. `kind` names them in complaints. */
export function writeOptions(
  query: URLSearchParams,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  userAgent: string | undefined,
): WriteRequest & { readonly fieldValidation: FieldValidation } {
  const validation = query.get("fieldValidation") || "Warn";
  const known = isFieldValidation(validation);
  const manager = query.get("fieldManager") ?? "";
  const dryRun = query.getAll("dryRun");
  const wrong = [
    ...managerErrors(manager),
    ...dryRunErrors(dryRun),
    ...(known ? [] : [notSupported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"])]),
  ];
  if (wrong.length > 0) throw invalidOptions(kind, ...wrong);
  return {
    fieldManager: manager || defaultManager(userAgent),
    dryRun: dryRun.length > 0,
    fieldValidation: known ? validation : "Warn",
  };
}

const MAX_MANAGER_BYTES = 128;

function managerErrors(manager: string): FieldError[] {
  const errors: FieldError[] = [];
  if (Buffer.byteLength(manager) > MAX_MANAGER_BYTES) {
    errors.push(tooLong("fieldManager", MAX_MANAGER_BYTES));
  }
  const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(manager);
  if (unprintable !== null) {
    const code = (unprintable[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const at = Buffer.byteLength(manager.slice(0, unprintable.index));
    const detail = `invalid character U+${code} (at position ${at})`;
    errors.push(invalidField("fieldManager", manager, detail));
  }
  return errors;
}

const isFieldValidation = (text: string): text is FieldValidation =>
  text === "Ignore" || text === "Warn" || text === "Strict";

/** The program's name in front of the first slash of its User-Agent. */
function defaultManager(userAgent: string | undefined): string {
  return (userAgent ?? "").split("/")[0]?.slice(0, 128) || "unknown";
}

export function isDryRun(values: readonly string[], kind: string): boolean {
  const wrong = dryRunErrors(values);
  if (wrong.length > 0) throw invalidOptions(kind, ...wrong);
  return values.length > 0;
}

const dryRunErrors = (values: readonly string[]): FieldError[] =>
  values.some((value) => value !== "All") ? [notSupported("dryRun", values, ["All"])] : [];

export function listQuery(query: URLSearchParams, namespace: string | undefined, name?: string): ListQuery {
  const limit = query.get("limit");
  const fields = [query.get("fieldSelector") ?? "", name === undefined ? "" : `metadata.name=${name}`];
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...text(query, "labelSelector"),
    fieldSelector: fields.filter((selector) => selector !== "").join(","),
    ...(limit === null || limit === "" ? {} : { limit: wholeNumber(limit) }),
    ...text(query, "continue"),
    ...text(query, "resourceVersion"),
    ...text(query, "resourceVersionMatch"),
    ...(query.has("sendInitialEvents") ? { sendInitialEvents: true } : {}),
  };
}

function text<K extends string>(query: URLSearchParams, key: K): { [key in K]?: string } {
  const value = query.get(key);
  // One key with a text: what the return type says.
  return (value === null ? {} : { [key]: value }) as { [key in K]?: string };
}

export function wholeNumber(value: string): number {
  const refuse = (why: string) => badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`);
  if (!/^[-+]?\d+$/.test(value)) throw refuse("invalid syntax");
  if (Math.abs(Number(value)) >= 2 ** 63) throw refuse("value out of range");
  return Number(value);
}

/** The numbers that a request for a log carries must be some, and in their range. */
export function checkLogOptions(query: URLSearchParams, pod: string): void {
  const least = { tailLines: 0, limitBytes: 1, sinceSeconds: 1 };
  const errors = Object.entries(least).flatMap(([name, from]) => {
    const text = query.get(name);
    if (text === null || text === "") return [];
    const value = wholeNumber(text);
    const detail = from === 0 ? "must be greater than or equal to 0" : "must be greater than 0";
    return value >= from ? [] : [invalidField(name, value, detail)];
  });
  if (errors.length > 0) throw invalid({ group: "", kind: "PodLogOptions" }, pod, errors);
}

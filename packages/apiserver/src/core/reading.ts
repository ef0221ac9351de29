import {
  checkFieldSelector,
  type FieldError,
  type FieldRequirements,
  forbidden as forbiddenField,
  type KubeList,
  type KubeObject,
  type LabelRequirements,
  matchesFieldSelector,
  matchesRequirements,
  notSupported,
  parseFieldSelector,
  parseLabelSelector,
  SelectorSyntaxError,
  StatusError,
} from "@tracegate/kube";
import { CompactedError, type Store } from "@tracegate/store";
import { decodeContinue, encodeContinue } from "./continue-token.ts";
import { asVersion } from "./conversion.ts";
import { badRequest, expired, invalidOptions, notFound } from "./refusals.ts";
import { apiVersionOfResource, type ServedKind } from "./served-kinds.ts";

/** How a list is asked for; texts as they stand in the query. */
export interface ListQuery {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
  /** Whether the request says anything about initial events, which only watches may. */
  readonly sendInitialEvents?: boolean;
}

export interface Selection {
  readonly labels: LabelRequirements;
  readonly fields: FieldRequirements;
}

/** The store's key of an object. Namespaced and cluster-scoped kinds never share a collection. */
export function keyFor(served: ServedKind, namespace: string | undefined, name: string): string {
  return served.namespaced
    ? `${served.collection}/${namespace ?? ""}/${name}`
    : `${served.collection}/${name}`;
}

export function prefixFor(served: ServedKind, namespace: string | undefined): string {
  return served.namespaced && namespace !== undefined
    ? `${served.collection}/${namespace}/`
    : `${served.collection}/`;
}

/** Stored values are objects that this package wrote. */
export function storedObject(value: object): KubeObject {
  return value as KubeObject;
}

export function readObject(
  store: Store,
  served: ServedKind,
  namespace: string | undefined,
  name: string,
): KubeObject {
  const entry = store.get(keyFor(served, namespace, name));
  if (entry === undefined) throw notFound(served, name);
  return asVersion(storedObject(entry.value), apiVersionOfResource(served));
}

export function parseSelection(
  served: ServedKind,
  query: { labelSelector?: string; fieldSelector?: string },
): Selection {
  try {
    const fields = parseFieldSelector(query.fieldSelector ?? "");
    checkFieldSelector(served, fields, selectableFields(served));
    return { labels: parseLabelSelector(query.labelSelector ?? ""), fields };
  } catch (error) {
    if (error instanceof SelectorSyntaxError) throw badRequest(error.message);
    throw error;
  }
}

function selectableFields(served: ServedKind): string[] {
  return (served.custom?.version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.replace(/^\./, ""));
}

export function isSelected(served: ServedKind, { labels, fields }: Selection, object: KubeObject): boolean {
  return (
    (labels.length === 0 || matchesRequirements(labels, object.metadata.labels)) &&
    (fields.length === 0 || matchesFieldSelector(served, fields, { ...object }))
  );
}

export function listObjects(store: Store, served: ServedKind, query: ListQuery): KubeList<KubeObject> {
  const selection = parseSelection(served, query);
  checkMatch(query);
  const token =
    query.continue === undefined || query.continue === "" ? undefined : decodeContinue(query.continue);
  if (token !== undefined && query.resourceVersion !== undefined && query.resourceVersion !== "") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  const revision = token?.revision ?? listRevision(store, query);
  const prefix = prefixFor(served, query.namespace);
  const apiVersion = apiVersionOfResource(served);
  const selective = selection.labels.length > 0 || selection.fields.length > 0;

  let entries = entriesAt(store, prefix, revision, token !== undefined);
  if (token !== undefined) entries = entries.filter((entry) => entry.key >= token.start);
  const items: KubeObject[] = [];
  // At version 0 upstream answers from its cache, which knows no pages.
  const limit = query.resourceVersion === "0" ? 0 : (query.limit ?? 0);
  let rest: number | undefined;
  let last = "";
  for (const [i, entry] of entries.entries()) {
    if (limit > 0 && items.length === limit) {
      rest = entries.length - i;
      break;
    }
    const object = asVersion(storedObject(entry.value), apiVersion);
    if (!isSelected(served, selection, object)) continue;
    items.push(object);
    last = entry.key;
  }
  const listed = revision ?? store.revision;
  return {
    apiVersion,
    kind: served.listKind,
    metadata: {
      resourceVersion: String(listed),
      ...(rest === undefined ? {} : { continue: encodeContinue(listed, `${last}\u0000`) }),
      ...(rest === undefined || selective ? {} : { remainingItemCount: rest }),
    },
    items,
  };
}

function entriesAt(store: Store, prefix: string, revision: number | undefined, continued: boolean) {
  try {
    return store.list(prefix, revision);
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    throw expired(
      continued
        ? "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter."
        : "The resourceVersion for the provided list is too old.",
    );
  }
}

/** The revision to list at; undefined for the newest. */
function listRevision(
  store: Store,
  { resourceVersion, resourceVersionMatch, limit = 0 }: ListQuery,
): number | undefined {
  if (resourceVersion === undefined || resourceVersion === "" || resourceVersion === "0") return undefined;
  const wanted = parseRevision(resourceVersion);
  if (wanted === undefined) {
    throw badRequest(`invalid resource version: ${unparsable(resourceVersion)}`);
  }
  if (wanted > store.revision) throw tooLarge(wanted, store.revision);
  // A page that asks for a version without saying how is one of exactly that version.
  const exact = resourceVersionMatch === "Exact" || (limit > 0 && (resourceVersionMatch ?? "") === "");
  return exact ? wanted : undefined;
}

/** `resourceVersion: Invalid value: "abc": strconv.ParseUint: …`, as Go's parser complains. */
export function unparsable(resourceVersion: string): string {
  return `resourceVersion: Invalid value: "${resourceVersion}": strconv.ParseUint: parsing "${resourceVersion}": invalid syntax`;
}

export function parseRevision(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function checkMatch(query: ListQuery): void {
  const { resourceVersion = "", resourceVersionMatch: match = "", continue: token = "" } = query;
  const field = "resourceVersionMatch";
  const errors: FieldError[] = [];
  const refuse = (path: string, detail: string) => errors.push(forbiddenField(path, detail));
  if (match !== "") {
    if (resourceVersion === "") refuse(field, `${field} is forbidden unless resourceVersion is provided`);
    if (token !== "") refuse(field, `${field} is forbidden when continue is provided`);
    if (match !== "Exact" && match !== "NotOlderThan") {
      errors.push(notSupported(field, match, ["Exact", "NotOlderThan", ""]));
    }
    if (match === "Exact" && resourceVersion === "0") {
      refuse(field, `${field} "exact" is forbidden for resourceVersion "0"`);
    }
  }
  if (query.sendInitialEvents === true) {
    refuse("sendInitialEvents", "sendInitialEvents is forbidden for list");
  }
  if (errors.length > 0) throw invalidOptions("ListOptions", ...errors);
}

/** A read of one object at some resourceVersion or later: that must have come. */
export function checkReached(store: Store, resourceVersion: string | null): void {
  if (resourceVersion === null || resourceVersion === "" || resourceVersion === "0") return;
  const wanted = parseRevision(resourceVersion);
  if (wanted === undefined) throw new StatusError({ message: unparsable(resourceVersion), code: 500 });
  if (wanted > store.revision) throw tooLarge(wanted, store.revision);
}

function tooLarge(wanted: number, current: number): StatusError {
  const message = `Too large resource version: ${wanted}, current: ${current}`;
  return new StatusError({
    message: `Timeout: ${message}`,
    reason: "Timeout",
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
    code: 504,
  });
}

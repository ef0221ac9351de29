import { isObject, jsonEqual } from "@tracegate/kube";
import type { Difference } from "./difference.ts";
import type { Exchanged } from "./kubernetes-conversation.ts";

/**
 * Where an answer differs from the recorded one; empty when they agree. Placeholders stand for
 * values that differ from run to run, and what kube-controller-manager added to objects is left aside.
 */
export function answerDifferences({ recorded, answer }: Exchanged): Difference[] {
  const { code, contentType, warning, body } = recorded.response;
  const found: Difference[] = [];
  if (code !== answer.code) {
    return [{ what: "code", expected: String(code), got: `${answer.code} ${short(answer.body)}` }];
  }
  if (contentType !== undefined && contentType !== answer.contentType) {
    found.push({ what: "content type", expected: contentType, got: answer.contentType });
  }
  if ((warning ?? "") !== (answer.warning ?? ""))
    found.push({ what: "warning", expected: warning ?? "none", got: answer.warning ?? "none" });
  if (isDiscovery(body)) compareSuperset("", discovered(body), discovered(answer.body), found);
  else compare("", comparable(body, recorded.request.path), comparable(answer.body, recorded.request.path), found);
  return found;
}

/** Placeholders match what has their form. */
const PLACEHOLDERS: Readonly<Record<string, (value: unknown) => boolean>> = {
  RV: (value) => typeof value === "string" && /^\d+$/.test(value),
  UID: (value) => typeof value === "string" && /^[0-9a-f-]{36}$/.test(value),
  TIME: (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/.test(value),
  AGE: (value) => typeof value === "string" && /^(\d+[smhdy])+$|^<unknown>$/.test(value),
  CLUSTERIP: (value) => typeof value === "string" && /^10\.96\./.test(value),
  CONTINUE: (value) => typeof value === "string" && value !== "",
  BUILD: (value) => typeof value === "string",
  SERVER: (value) => typeof value === "string" && /:\d+$/.test(value),
};

function compare(path: string, recorded: unknown, got: unknown, found: Difference[]): void {
  if (typeof recorded === "string") {
    if (!textMatches(recorded, got)) found.push({ what: path, expected: short(recorded), got: short(got) });
  } else if (Array.isArray(recorded) && Array.isArray(got)) {
    if (recorded.length !== got.length) {
      found.push({ what: path, expected: `${recorded.length} items`, got: `${got.length}: ${short(got)}` });
      return;
    }
    for (const [i, item] of recorded.entries()) compare(`${path}[${i}]`, item, got[i], found);
  } else if (isObject(recorded) && isObject(got)) {
    for (const key of new Set([...Object.keys(recorded), ...Object.keys(got)])) {
      compare(`${path}.${key}`, recorded[key], got[key], found);
    }
  } else if (!jsonEqual(recorded, got)) {
    found.push({ what: path, expected: short(recorded), got: short(got) });
  }
}

const short = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 300);

const MAX_PATTERN = 50_000;

function textMatches(recorded: string, got: unknown): boolean {
  if (recorded === got) return true;
  const placeholder = Object.hasOwn(PLACEHOLDERS, recorded) ? PLACEHOLDERS[recorded] : undefined;
  if (placeholder !== undefined) return placeholder(got);
  if (typeof got !== "string") return false;
  const [quoted, ours] = [quotedObject(recorded), quotedObject(got)];
  if (quoted !== undefined && ours !== undefined) {
    const found: Difference[] = [];
    compare("", withoutControllers(quoted.object), withoutControllers(ours.object), found);
    return found.length === 0 && quoted.around === ours.around;
  }
  // Placeholders inside a longer text.
  const pattern = recorded
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replace(/\bUID\b/g, "(UID|[0-9a-f-]{36})")
    .replace(/\bTIME\b/g, "[0-9TZ:.-]+")
    .replace(/"resourceVersion\\\\":\\\\"\d+\\\\"/g, '"resourceVersion\\\\":\\\\"\\d+\\\\"')
    .replace(/\bRV\b/g, "\\d+")
    .replace(/\b(CONTINUE|SERVER)\b/g, "\\S+")
    .replace(/XXXXX/g, "[a-z0-9]{5}")
    .replace(/\b(wanted|version: |current: )N\b/g, "$1\\d+")
    .replace(/\\\(N\\\)/g, "\\(\\d+\\)");
  // What has no placeholder is compared as it is, however long.
  return pattern.length < MAX_PATTERN && new RegExp(`^${pattern}$`).test(got);
}

/** The object that a refusal quotes, and the text around it: controllers left their traces in it, too. */
function quotedObject(text: string): { object: unknown; around: string } | undefined {
  const quoted = /"\{(?:[^"\\]|\\.)*\}"/.exec(text)?.[0];
  if (quoted === undefined) return undefined;
  try {
    // Go quotes as JSON does but for rare characters.
    const object = JSON.parse(JSON.parse(quoted), (key, value) =>
      key === "resourceVersion" && /^\d+$/.test(value) ? "1" : value,
    );
    return { object, around: text.replace(quoted, "OBJECT") };
  } catch {
    return undefined;
  }
}

const isDiscovery = (body: unknown): boolean =>
  isObject(body) && /^API(Versions|GroupList|ResourceList|GroupDiscoveryList)$/.test(String(body["kind"]));

/** Discovery lists keyed by what they list, so that order and further entries do not matter. */
function discovered(body: unknown): unknown {
  if (Array.isArray(body)) {
    if (!body.every(isObject)) return body;
    return Object.fromEntries(body.map((item) => [nameOf(item), discovered(item)]));
  }
  if (!isObject(body)) return body;
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, discovered(value)]));
}

function nameOf(item: Record<string, unknown>): string {
  const metadata = item["metadata"];
  const own = isObject(metadata) ? metadata["name"] : undefined;
  return String(
    own ??
      item["name"] ??
      item["resource"] ??
      item["subresource"] ??
      item["groupVersion"] ??
      item["version"] ??
      item["clientCIDR"],
  );
}

/** Everything of the recording that we serve at all must be there and be the same. */
function compareSuperset(path: string, recorded: unknown, got: unknown, found: Difference[]): void {
  if (!isObject(recorded) || !isObject(got)) {
    compare(path, recorded, got, found);
    return;
  }
  for (const [key, value] of Object.entries(recorded)) {
    const listed = /\.(groups|items)$/.test(path);
    if (listed && !Object.hasOwn(got, key)) continue;
    compareSuperset(`${path}.${key}`, value, got[key], found);
  }
}

/** What the deployment controller writes into the status. */
const CONTROLLER_STATUS = [
  "conditions",
  "observedGeneration",
  "replicas",
  "updatedReplicas",
  "unavailableReplicas",
];

const CONTROLLERS = new Set(["kube-controller-manager"]);
const CONTROLLER_ANNOTATION = "deployment.kubernetes.io/revision";

/** The body without what controllers that ran beside the recorded server left in it. */
function withoutControllers(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isControllerMade(item)).map(withoutControllers);
  if (!isObject(value)) return value;
  if (Array.isArray(value["causes"])) return { ...value, causes: inAnyOrder(value["causes"]) };
  if (value["kind"] === "SelfSubjectRulesReview") return rulesInOrder(value);
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (key === "managedFields" && Array.isArray(member)) {
      const own = member.filter((entry) => !isObject(entry) || !isShared(entry));
      if (own.length > 0) copy[key] = own.map(withoutControllers);
    } else if (key === "annotations" && isObject(member)) {
      const { [CONTROLLER_ANNOTATION]: _, ...own } = member;
      if (Object.keys(own).length > 0) copy[key] = own;
    } else if (key === "status" && isDeploymentLike(value) && isObject(member)) {
      copy[key] = Object.fromEntries(
        Object.entries(member).filter(([name]) => !CONTROLLER_STATUS.includes(name)),
      );
    } else {
      copy[key] = withoutControllers(member);
    }
  }
  return copy;
}

/** Rules come in the order in which an index holds bindings: none. */
function rulesInOrder(review: Record<string, unknown>): unknown {
  const text = (rule: unknown) => JSON.stringify(rule);
  const sorted = (rules: unknown) =>
    Array.isArray(rules) ? [...rules].sort((a, b) => (text(a) < text(b) ? -1 : 1)) : rules;
  const status = isObject(review["status"]) ? review["status"] : {};
  const { resourceRules, nonResourceRules, ...rest } = status;
  const inOrder = { resourceRules: sorted(resourceRules), nonResourceRules: sorted(nonResourceRules) };
  return { ...review, status: { ...rest, ...inOrder } };
}

/** Conflicts with several managers come in the order of a Go map: none. */
function inAnyOrder(causes: readonly unknown[]): unknown[] {
  const text = (cause: unknown) => JSON.stringify(cause);
  const ofManagers = causes.every((cause) => isObject(cause) && cause["reason"] === "FieldManagerConflict");
  return ofManagers ? [...causes].sort((a, b) => (text(a) < text(b) ? -1 : 1)) : [...causes];
}

const comparable = (body: unknown, path: string): unknown =>
  withoutControllers(isTable(body) ? withoutControllersCells(body) : withoutScaleStatus(body, path));

/** How many replicas there are is counted by the deployment controller. */
function withoutScaleStatus(body: unknown, path: string): unknown {
  if (!isObject(body) || body["kind"] !== "Scale" || !isObject(body["status"])) return body;
  if (!/\/deployments\//.test(path)) return body;
  const { replicas: _, ...status } = body["status"];
  return { ...body, status };
}

interface Table {
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
}

const isTable = (body: unknown): body is Table =>
  isObject(body) && body["kind"] === "Table" && Array.isArray(body["rows"]) && Array.isArray(body["columnDefinitions"]);

/** Columns of workloads that only their controllers fill. */
const countedByControllers = new Set(["Up-to-date", "Available", "Current", "Duration"]);

/** A table without rows and cells that come from controllers: their Events, what they count, when they started a Job. */
function withoutControllersCells(table: Table): unknown {
  const names = table.columnDefinitions.map(({ name }) => name);
  const workloads = ["Up-to-date", "Duration", "Desired"].some((name) => names.includes(name));
  const source = names.indexOf("Source");
  const ofController = ({ cells }: Table["rows"][number]) =>
    source >= 0 && names.includes("Last Seen") && /-controller\b/.test(String(cells[source]));
  const rows = table.rows
    .filter((row) => !ofController(row))
    .map((row) => ({
      ...row,
      cells: row.cells.map((cell, column) => (workloads && countedByControllers.has(names[column] ?? "") ? "" : cell)),
    }));
  // What a column is about was not recorded.
  const columnDefinitions = table.columnDefinitions.map(({ ...column }: { description?: string; name: string }) => {
    const { description: _, ...rest } = column;
    return rest;
  });
  return { ...table, columnDefinitions, rows };
}

/** Ownership that controllers had, or took: what they wrote, and the status of Deployments. */
function isShared(entry: Record<string, unknown>): boolean {
  return (
    CONTROLLERS.has(String(entry["manager"])) ||
    (entry["subresource"] === "status" && entry["apiVersion"] === "apps/v1")
  );
}

/** A Deployment (in lists without its kind). */
function isDeploymentLike(object: Record<string, unknown>): boolean {
  const spec = object["spec"];
  return (
    object["kind"] === "Deployment" ||
    (object["kind"] === undefined && isObject(spec) && isObject(spec["strategy"]))
  );
}

function isControllerMade(item: unknown): boolean {
  const object = isObject(item) && isObject(item["object"]) ? item["object"] : item;
  if (!isObject(object) || !isObject(object["metadata"])) return false;
  const owners = object["metadata"]["ownerReferences"];
  return Array.isArray(owners) && owners.some((owner) => isObject(owner) && owner["controller"] === true);
}

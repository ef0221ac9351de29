import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { quote } from "../values/go-text.ts";
import { type FieldRequirements, matchesFields } from "./field-selector.ts";
import { SelectorSyntaxError } from "./label-selector-parser.ts";

type FieldReader = (object: JsonObject) => string;

/** Fields by which objects of a kind can be selected, beside name and namespace (the kinds' own `ToSelectableFields`). */
const SELECTABLE: Record<string, Record<string, FieldReader>> = {
  Pod: {
    "spec.nodeName": text("spec", "nodeName"),
    "spec.host": text("spec", "nodeName"),
    "spec.restartPolicy": text("spec", "restartPolicy"),
    "spec.schedulerName": text("spec", "schedulerName"),
    "spec.serviceAccountName": text("spec", "serviceAccountName"),
    "spec.hostNetwork": flag("spec", "hostNetwork"),
    "status.phase": text("status", "phase"),
    "status.podIP": (pod) =>
      stringAt(listAt(pod["status"], "podIPs")[0], "ip") || text("status", "podIP")(pod),
    "status.podIPs": (pod) => stringAt(listAt(pod["status"], "podIPs")[0], "ip"),
    "status.nominatedNodeName": text("status", "nominatedNodeName"),
  },
  Node: { "spec.unschedulable": flag("spec", "unschedulable") },
  Namespace: { "status.phase": text("status", "phase") },
  Secret: { type: (secret) => stringAt(secret, "type") },
  Service: { "spec.clusterIP": text("spec", "clusterIP"), "spec.type": text("spec", "type") },
  ReplicationController: { "status.replicas": number("status", "replicas") },
  "Job.batch": { "status.successful": number("status", "succeeded") },
  "CertificateSigningRequest.certificates.k8s.io": { "spec.signerName": text("spec", "signerName") },
  Event: {
    ...references("involvedObject", "involvedObject"),
    reason: (event) => stringAt(event, "reason"),
    reportingComponent: reporter,
    source: reporter,
    type: (event) => stringAt(event, "type"),
  },
  "Event.events.k8s.io": {
    ...references("regarding", "regarding"),
    reason: (event) => stringAt(event, "reason"),
    reportingController: (event) => stringAt(event, "reportingController"),
    type: (event) => stringAt(event, "type"),
  },
};

/** Who reported an Event: the classic component, or the controller of the new form. */
function reporter(event: JsonObject): string {
  return stringAt(event["source"], "component") || stringAt(event, "reportingComponent");
}

/**
 * Checks that a kind can be selected by these fields. `extra` are the paths that a CRD declares selectable. Throws
 * `SelectorSyntaxError` with the API's message.
 */
export function checkFieldSelector(
  kind: { group: string; kind: string; namespaced: boolean },
  requirements: FieldRequirements,
  extra: readonly string[] = [],
): void {
  const known = fieldsOf(kind);
  for (const { field } of requirements) {
    if (field === "metadata.name" || (field === "metadata.namespace" && kind.namespaced)) continue;
    if (known !== undefined && Object.hasOwn(known, field)) continue;
    if (extra.includes(field)) continue;
    if (kind.kind === "Job" && kind.group === "batch") {
      throw new SelectorSyntaxError(`field label ${quote(field)} not supported for Job`);
    }
    if (known !== undefined) {
      throw new SelectorSyntaxError(`field label not supported: ${field}`);
    }
    if (extra.length > 0 || isCustom(kind))
      throw new SelectorSyntaxError(`field label not supported: ${field}`);
    throw new SelectorSyntaxError(
      `${quote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
}

/** Whether an object is selected. Fields that are not the kind's own are read as dotted paths (a CRD's selectable ones). */
export function matchesFieldSelector(
  kind: { group: string; kind: string },
  requirements: FieldRequirements,
  object: JsonObject,
): boolean {
  if (requirements.length === 0) return true;
  const known = fieldsOf(kind);
  return matchesFields(requirements, (field) => {
    const reader = known !== undefined && Object.hasOwn(known, field) ? known[field] : undefined;
    return reader === undefined ? atPath(object, field) : reader(object);
  });
}

function fieldsOf({ group, kind }: { group: string; kind: string }): Record<string, FieldReader> | undefined {
  return SELECTABLE[group === "" ? kind : `${kind}.${group}`];
}

/** Groups of CRDs are the ones with a dot that is not Kubernetes' own. */
const isCustom = ({ group }: { group: string }): boolean => group.includes(".") && !group.endsWith(".k8s.io");

function atPath(object: JsonObject, path: string): string {
  let value: unknown = object;
  for (const part of path.split(".")) value = isObject(value) ? value[part] : undefined;
  return value === undefined || value === null ? "" : String(value);
}

function text(parent: string, name: string): FieldReader {
  return (object) => stringAt(object[parent], name);
}

function flag(parent: string, name: string): FieldReader {
  return (object) => String(objectAt(object, parent)?.[name] === true);
}

function number(parent: string, name: string): FieldReader {
  return (object) => String(objectAt(object, parent)?.[name] ?? 0);
}

function references(prefix: string, parent: string): Record<string, FieldReader> {
  const names = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
  return Object.fromEntries(names.map((name) => [`${prefix}.${name}`, text(parent, name)]));
}

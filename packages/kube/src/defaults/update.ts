import { isObject, type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { ensureObject, isEmptyMember } from "./defaulter.ts";
import { dropDisabledFields } from "./disabled-fields.ts";

/** Which template a DaemonSet has had: an annotation that upstream keeps in its internal form, so nobody can set it. */
export const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";

/**
 * What an update of the main resource keeps or counts whatever was sent, beside the rules that all kinds share (upstream's
 * `PrepareForUpdate`): the finalizers of a namespace, which go through `finalize`, and the template generation of DaemonSets.
 */
export function prepareForUpdate(object: JsonObject, before: JsonObject): JsonObject {
  const copy = structuredClone(object);
  dropDisabledFields(copy);
  PREPARATIONS[`${stringAt(object, "apiVersion")} ${stringAt(object, "kind")}`]?.(copy, before);
  return copy;
}

const PREPARATIONS: Readonly<Record<string, (object: JsonObject, before: JsonObject) => void>> = {
  "v1 Namespace": (namespace, before) => {
    namespace["spec"] = structuredClone(before["spec"]);
  },
  "rbac.authorization.k8s.io/v1 Role": noRules,
  "rbac.authorization.k8s.io/v1 ClusterRole": noRules,
  "apiextensions.k8s.io/v1 CustomResourceDefinition": (definition) => {
    const storage = listAt(definition["spec"], "versions").find(
      (version) => isObject(version) && version["storage"] === true,
    );
    const stored = listAt(definition["status"], "storedVersions");
    const name = stringAt(storage, "name");
    if (storage === undefined || stored.includes(name)) return;
    ensureObject(definition, "status")["storedVersions"] = [...stored, name];
  },
  "apps/v1 DaemonSet": (daemonSet, before) => {
    const old = objectAt(objectAt(before, "metadata"), "annotations");
    const count = Number(stringAt(old, TEMPLATE_GENERATION) || "0");
    const template = (set: JsonObject) => objectAt(objectAt(set, "spec"), "template");
    const changed = !jsonEqual(template(daemonSet), template(before));
    ensureObject(ensureObject(daemonSet, "metadata"), "annotations")[TEMPLATE_GENERATION] = String(
      changed ? count + 1 : count,
    );
  },
};

/** No rules come back from storage as null. */
export function noRules(role: JsonObject): void {
  if (isEmptyMember(role["rules"])) role["rules"] = null;
}

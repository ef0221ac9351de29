import { qosClass } from "../defaults/creation.ts";
import { isObject, type JsonObject, jsonEqual, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, forbidden, invalid, required } from "./field-error.ts";

const UPDATABLE = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

/**
 * What an update may change of a pod's spec. Upstream ends the complaint with a diff of its internal form; here stand the
 * fields that changed.
 */
export function podUpdateErrors(spec: JsonObject, before: JsonObject): FieldError[] {
  for (const list of ["containers", "initContainers"]) {
    if (listAt(spec, list).length !== listAt(before, list).length) {
      return [forbidden(`spec.${list}`, "pod updates may not add or remove containers")];
    }
  }
  const errors = ["containers", "initContainers"].flatMap((list) =>
    imageErrors(listAt(spec, list), `spec.${list}`),
  );
  const [deadline, former] = [
    numberAt(spec, "activeDeadlineSeconds"),
    numberAt(before, "activeDeadlineSeconds"),
  ];
  if (deadline !== undefined && former !== undefined && former < deadline) {
    errors.push(
      invalid("spec.activeDeadlineSeconds", deadline, "must be less than or equal to previous value"),
    );
  } else if (deadline === undefined && former !== undefined) {
    const detail = "must not update from a positive integer to nil value";
    errors.push(invalid("spec.activeDeadlineSeconds", null, detail));
  }
  errors.push(...removedTolerations(spec, before));
  const allowed = withAllowedChanges(spec, before);
  if (jsonEqual(allowed, before)) return errors;
  const changed = [...new Set([...Object.keys(allowed), ...Object.keys(before)])]
    .filter((field) => !jsonEqual(allowed[field], before[field]))
    .sort();
  const detail = `pod updates may not change fields other than ${UPDATABLE}\n${changed.map((f) => `spec.${f}`).join("\n")}`;
  return [...errors, forbidden("spec", detail)];
}

/** Upstream looks at images once more, as these may change. */
function imageErrors(containers: readonly unknown[], path: string): FieldError[] {
  return containers.flatMap((container, i) => {
    const image = stringAt(container, "image");
    if (image === "") return [required(`${path}[${i}].image`)];
    if (image === image.trim()) return [];
    return [invalid(`${path}[${i}].image`, image, "must not have leading or trailing whitespace")];
  });
}

/** The new spec with what may change put back to what it was. */
function withAllowedChanges(spec: JsonObject, before: JsonObject): JsonObject {
  const withOldImages = (list: string) => {
    if (spec[list] === undefined) return {};
    const old = listAt(before, list);
    const restored = listAt(spec, list).map((container, i) =>
      isObject(container) ? { ...container, image: objectAt({ c: old[i] }, "c")?.["image"] } : container,
    );
    return { [list]: restored };
  };
  const kept = ["activeDeadlineSeconds", "tolerations", "schedulingGates"].flatMap((field) =>
    before[field] === undefined ? [] : [[field, before[field]]],
  );
  const { activeDeadlineSeconds, tolerations, schedulingGates, ...rest } = spec;
  const grace =
    (numberAt(before, "terminationGracePeriodSeconds") ?? 0) < 0 &&
    spec["terminationGracePeriodSeconds"] === 1;
  return {
    ...rest,
    ...withOldImages("containers"),
    ...withOldImages("initContainers"),
    ...Object.fromEntries(kept),
    ...(grace ? { terminationGracePeriodSeconds: before["terminationGracePeriodSeconds"] } : {}),
  };
}

function removedTolerations(spec: JsonObject, before: JsonObject): FieldError[] {
  const now = listAt(spec, "tolerations").filter(isObject);
  const comparable = ({ tolerationSeconds, ...rest }: JsonObject) => rest;
  const missing = listAt(before, "tolerations")
    .filter(isObject)
    .some((old) => !now.some((toleration) => jsonEqual(comparable(toleration), comparable(old))));
  return missing
    ? [forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")]
    : [];
}

/** Debugging containers are added, and stay as they are. */
export function ephemeralContainersUpdateErrors(spec: JsonObject, before: JsonObject): FieldError[] {
  const path = "spec.ephemeralContainers";
  const now = listAt(spec, "ephemeralContainers").filter(isObject);
  return listAt(before, "ephemeralContainers")
    .filter(isObject)
    .flatMap((old) => {
      const name = stringAt(old, "name");
      const kept = now.find((container) => stringAt(container, "name") === name);
      const what = `existing ephemeral containers ${JSON.stringify(name)}`;
      if (kept === undefined) return [forbidden(path, `${what} may not be removed\n`)];
      return jsonEqual(kept, old) ? [] : [forbidden(path, `${what} may not be changed\n`)];
    });
}

/** A resize changes how much CPU and memory containers get, not which containers there are nor the class of the pod. */
export function resizeErrors(spec: JsonObject, before: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const former = qosClass(before);
  if (former !== qosClass(spec)) {
    errors.push(invalid("spec", former, "Pod QOS Class may not change as a result of resizing"));
  }
  const order = ["containers", "initContainers"].flatMap((list) => orderErrors(list, spec, before));
  if (order.length > 0) return [...errors, ...order];
  listAt(spec, "containers").forEach((container, i) => {
    const old = objectAt({ old: listAt(before, "containers")[i] }, "old");
    errors.push(...removalErrors(container, old, `spec.containers[${i}].resources`));
    if (!jsonEqual(withoutComputing(container), withoutComputing(old))) {
      errors.push(forbidden("spec", "only cpu and memory resources are mutable"));
    }
  });
  return errors;
}

function orderErrors(list: string, spec: JsonObject, before: JsonObject): FieldError[] {
  const [now, old] = [listAt(spec, list), listAt(before, list)];
  if (now.length !== old.length) {
    return [forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)];
  }
  return old.flatMap((container, i) =>
    stringAt(now[i], "name") === stringAt(container, "name")
      ? []
      : [forbidden(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`)],
  );
}

function removalErrors(container: unknown, old: unknown, path: string): FieldError[] {
  return ["requests", "limits"].flatMap((kind) => {
    const has = objectAt(objectAt(container, "resources"), kind) ?? {};
    const had = Object.keys(objectAt(objectAt(old, "resources"), kind) ?? {});
    if (had.every((name) => name in has)) return [];
    return [forbidden(`${path}.${kind}`, `resource ${kind} cannot be removed`)];
  });
}

/** A container without what a resize may change. */
function withoutComputing(container: unknown): unknown {
  if (!isObject(container)) return container;
  const { resizePolicy: _, resources, ...rest } = container;
  const others = ["requests", "limits"].map((kind) => {
    const { cpu: __, memory: ___, ...amounts } = objectAt(resources, kind) ?? {};
    return amounts;
  });
  return { ...rest, others };
}

import { type JsonObject, jsonEqual, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { matchesRequirements } from "../selectors/label-requirement.ts";
import { percentOf } from "../values/int-or-percent.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { annotationErrors, labelsErrors } from "./metadata.ts";
import { dns1123LabelErrors } from "./names.ts";
import { intOrPercentErrors, negativeErrors, overHundredErrors } from "./numbers.ts";
import { podTemplateErrors } from "./pods.ts";
import { isEmptySelector, requirementsOf, selectorErrors } from "./selectors.ts";
import { claimErrors } from "./storage.ts";

export function deploymentErrors(spec: JsonObject): FieldError[] {
  const deadline = numberAt(spec, "progressDeadlineSeconds");
  const minReady = numberAt(spec, "minReadySeconds") ?? 0;
  return [
    ...negativeErrors(spec, ["replicas"], "spec"),
    ...ownSelectorErrors(spec, "deployment"),
    ...templateErrors(spec, "ReplicaSet"),
    ...strategyErrors(objectAt(spec, "strategy") ?? {}),
    ...negativeErrors(spec, ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"], "spec"),
    ...(deadline !== undefined && deadline <= minReady
      ? [invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")]
      : []),
  ];
}

export function replicaSetErrors(spec: JsonObject): FieldError[] {
  return [
    ...negativeErrors(spec, ["replicas", "minReadySeconds"], "spec"),
    ...ownSelectorErrors(spec, "deployment"),
    ...templateErrors(spec, "ReplicaSet"),
  ];
}

export function daemonSetErrors(spec: JsonObject): FieldError[] {
  const selector = objectAt(spec, "selector");
  return [
    ...(selector === undefined ? [] : selectorErrors(selector, "spec.selector")),
    ...mismatch(spec),
    ...(selector !== undefined && isEmptySelector(selector)
      ? [invalid("spec.selector", selector, "empty selector is invalid for daemonset")]
      : []),
    ...templateOnly(spec, "DaemonSet"),
    ...negativeErrors(spec, ["minReadySeconds"], "spec"),
    ...daemonStrategyErrors(objectAt(spec, "updateStrategy") ?? {}),
    ...negativeErrors(spec, ["revisionHistoryLimit"], "spec"),
  ];
}

export function statefulSetErrors(spec: JsonObject): FieldError[] {
  const policy = stringAt(spec, "podManagementPolicy");
  const strategy = objectAt(spec, "updateStrategy") ?? {};
  const rolling = objectAt(strategy, "rollingUpdate");
  const service = stringAt(spec, "serviceName");
  const errors: FieldError[] = [];
  if (policy !== "OrderedReady" && policy !== "Parallel") {
    errors.push(invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  if (strategy["type"] === "OnDelete") {
    if (rolling !== undefined) {
      const detail = "only allowed for updateStrategy 'RollingUpdate'";
      errors.push(invalid("spec.updateStrategy.rollingUpdate", rolling, detail));
    }
  } else if (strategy["type"] === "RollingUpdate") {
    errors.push(...negativeErrors(rolling, ["partition"], "spec.updateStrategy.rollingUpdate"));
  } else {
    errors.push(
      invalid("spec.updateStrategy", internalStrategy(strategy), "must be 'RollingUpdate' or 'OnDelete'"),
    );
  }
  const retention = objectAt(spec, "persistentVolumeClaimRetentionPolicy");
  if (retention !== undefined) {
    for (const field of ["whenDeleted", "whenScaled"]) {
      const value = stringAt(retention, field);
      if (value !== "Retain" && value !== "Delete") {
        const at = `spec.persistentVolumeClaimRetentionPolicy.${field}`;
        errors.push(notSupported(at, value, ["Retain", "Delete"]));
      }
    }
  }
  listAt(spec, "volumeClaimTemplates").forEach((claim, i) => {
    errors.push(...claimErrors(objectAt(claim, "spec") ?? {}, `spec.volumeClaimTemplates[${i}].spec`));
  });
  errors.push(...negativeErrors(spec, ["replicas", "minReadySeconds"], "spec"));
  errors.push(...negativeErrors(objectAt(spec, "ordinals"), ["start"], "spec.ordinals"));
  if (service !== "") {
    errors.push(...dns1123LabelErrors(service).map((detail) => invalid("spec.serviceName", service, detail)));
  }
  errors.push(...ownSelectorErrors(spec, "statefulset"));
  const metadata = objectAt(objectAt(spec, "template"), "metadata");
  const [mismatched, ...others] = templateErrors(withClaims(spec), "StatefulSet");
  const selected = mismatched?.field === "spec.template.metadata.labels" ? [mismatched] : [];
  return [
    ...errors,
    ...selected,
    // Upstream looks at these twice.
    ...labelsErrors(objectAt(metadata, "labels"), "spec.template.labels"),
    ...annotationErrors(objectAt(metadata, "annotations"), "spec.template.annotations"),
    // Its pods get names of their own in the place of these.
    ...[...(mismatched === undefined || selected.length > 0 ? [] : [mismatched]), ...others].filter(
      ({ field }) => field !== "spec.template.spec.hostname" && field !== "spec.template.spec.subdomain",
    ),
  ];
}

/** What an update may change of a StatefulSet. */
export function statefulSetUpdateErrors(spec: JsonObject, before: JsonObject): FieldError[] {
  const mutable = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
  ];
  const fixed = (object: JsonObject) =>
    Object.fromEntries(Object.entries(object).filter(([field]) => !mutable.includes(field)));
  if (jsonEqual(fixed(spec), fixed(before))) return [];
  return [
    forbidden(
      "spec",
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
        "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ];
}

/** Claims become volumes of the pods, so containers may mount them. */
function withClaims(spec: JsonObject): JsonObject {
  const claims = Array.isArray(spec["volumeClaimTemplates"]) ? spec["volumeClaimTemplates"] : [];
  if (claims.length === 0) return spec;
  const template = objectAt(spec, "template") ?? {};
  const podSpec = objectAt(template, "spec") ?? {};
  const names = claims.map((claim) => stringAt(objectAt(claim, "metadata"), "name"));
  const own = (Array.isArray(podSpec["volumes"]) ? podSpec["volumes"] : []).filter(
    (volume) => !names.includes(stringAt(volume, "name")),
  );
  const volumes = [...names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })), ...own];
  return { ...spec, template: { ...template, spec: { ...podSpec, volumes } } };
}

function ownSelectorErrors(spec: JsonObject, owner: string): FieldError[] {
  const selector = objectAt(spec, "selector");
  if (selector === undefined) return [required("spec.selector")];
  const errors = selectorErrors(selector, "spec.selector");
  if (isEmptySelector(selector))
    errors.push(invalid("spec.selector", selector, `empty selector is invalid for ${owner}`));
  return errors;
}

function templateErrors(spec: JsonObject, owner: string): FieldError[] {
  const selector = objectAt(spec, "selector");
  if (requirementsOf(selector) === undefined) {
    return [invalid("spec.selector", selector, owner === "StatefulSet" ? "" : "invalid label selector")];
  }
  return [
    ...(selector !== undefined && isEmptySelector(selector) ? [] : mismatch(spec)),
    ...templateOnly(spec, owner),
  ];
}

/** A ReplicationController's selector is a bare map of labels. */
export function replicationControllerErrors(spec: JsonObject): FieldError[] {
  const selector = objectAt(spec, "selector") ?? {};
  const template = objectAt(spec, "template");
  const errors = negativeErrors(spec, ["minReadySeconds", "replicas"], "spec");
  if (Object.keys(selector).length === 0) errors.push(required("spec.selector"));
  if (template === undefined) return [...errors, required("spec.template")];
  const labels = objectAt(objectAt(template, "metadata"), "labels") ?? {};
  const fits = Object.entries(selector).every(([key, value]) => labels[key] === value);
  if (!fits) {
    const detail = "`selector` does not match template `labels`";
    errors.push(invalid("spec.template.metadata.labels", labels, detail));
  }
  return [...errors, ...templateOnly(spec, "ReplicationController")];
}

/** The selector must select the pods that the template makes. An absent selector selects none. */
export function mismatch(spec: JsonObject): FieldError[] {
  const labels = objectAt(objectAt(spec["template"], "metadata"), "labels");
  const requirements = requirementsOf(objectAt(spec, "selector"));
  // Labels are texts in the typed form.
  if (
    requirements === undefined ||
    matchesRequirements(requirements, labels as Record<string, string> | undefined)
  ) {
    return [];
  }
  return [
    invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`"),
  ];
}

function templateOnly(spec: JsonObject, owner: string): FieldError[] {
  const template = objectAt(spec, "template") ?? {};
  const podSpec = objectAt(template, "spec") ?? {};
  const errors = podTemplateErrors(template, "spec.template");
  const policy = stringAt(podSpec, "restartPolicy");
  if (policy !== "Always") errors.push(notSupported("spec.template.spec.restartPolicy", policy, ["Always"]));
  if (podSpec["activeDeadlineSeconds"] !== undefined) {
    const detail = `activeDeadlineSeconds in ${owner} is not Supported`;
    errors.push(forbidden("spec.template.spec.activeDeadlineSeconds", detail));
  }
  return errors;
}

function strategyErrors(strategy: JsonObject): FieldError[] {
  const path = "spec.strategy";
  const rolling = objectAt(strategy, "rollingUpdate");
  switch (strategy["type"]) {
    case "Recreate":
      if (rolling === undefined) return [];
      return [forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
    case "RollingUpdate":
      return rolling === undefined
        ? [required(`${path}.rollingUpdate`, "this should be defaulted and never be nil")]
        : rollingErrors(rolling, `${path}.rollingUpdate`);
    default: {
      return [notSupported(path, internalStrategy(strategy), ["Recreate", "RollingUpdate"])];
    }
  }
}

/** A strategy as upstream's internal types show it. */
const internalStrategy = (strategy: JsonObject): object => ({
  Type: strategy["type"] ?? "",
  RollingUpdate: objectAt(strategy, "rollingUpdate") ?? null,
});

function rollingErrors(rolling: JsonObject, path: string): FieldError[] {
  const { maxUnavailable = 0, maxSurge = 0 } = rolling;
  const errors = [
    ...intOrPercentErrors(maxUnavailable, `${path}.maxUnavailable`),
    ...intOrPercentErrors(maxSurge, `${path}.maxSurge`),
  ];
  if (amount(maxUnavailable) === 0 && amount(maxSurge) === 0) {
    errors.push(invalid(`${path}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  }
  return [...errors, ...overHundredErrors(maxUnavailable, `${path}.maxUnavailable`)];
}

function daemonStrategyErrors(strategy: JsonObject): FieldError[] {
  const path = "spec.updateStrategy";
  const rolling = objectAt(strategy, "rollingUpdate");
  if (strategy["type"] === "OnDelete") return [];
  if (strategy["type"] !== "RollingUpdate")
    return [notSupported(path, internalStrategy(strategy), ["RollingUpdate", "OnDelete"])];
  if (rolling === undefined) return [required(`${path}.rollingUpdate`)];
  const { maxUnavailable = 0, maxSurge = 0 } = rolling;
  const at = `${path}.rollingUpdate`;
  const [unavailable, surge] = [amount(maxUnavailable), amount(maxSurge)];
  const errors = [
    ...intOrPercentErrors(maxUnavailable, `${at}.maxUnavailable`),
    ...intOrPercentErrors(maxSurge, `${at}.maxSurge`),
    ...overHundredErrors(maxUnavailable, `${at}.maxUnavailable`),
    ...overHundredErrors(maxSurge, `${at}.maxSurge`),
  ];
  if (unavailable !== 0 && surge !== 0) {
    errors.push(invalid(`${at}.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  } else if (unavailable === 0 && surge === 0) {
    errors.push(required(`${at}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  }
  return errors;
}

const amount = (value: unknown): number =>
  typeof value === "number" ? value : typeof value === "string" ? (percentOf(value) ?? 0) : 0;

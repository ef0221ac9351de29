import { type JsonObject, objectAt, stringAt } from "../json.ts";
import { quote } from "../values/go-text.ts";
import { scheduleError } from "./cron-schedule.ts";
import { type FieldError, invalid, notSupported, required } from "./field-error.ts";
import { immutableErrors } from "./immutable.ts";
import { negativeErrors } from "./numbers.ts";
import { podTemplateErrors } from "./pods.ts";
import { selectorErrors } from "./selectors.ts";
import { mismatch } from "./workloads.ts";

export function jobErrors(spec: JsonObject): FieldError[] {
  const selector = objectAt(spec, "selector");
  return [
    ...jobSpecErrors(spec, "spec"),
    ...(selector === undefined ? [required("spec.selector")] : selectorErrors(selector, "spec.selector")),
    ...(selector === undefined ? [] : mismatch(spec)),
  ];
}

/** A Job's work is fixed once it exists. The template may still change while the Job is suspended and has not begun. */
export function jobUpdateErrors(
  spec: JsonObject,
  before: JsonObject,
  status: JsonObject | undefined,
): FieldError[] {
  const waiting = before["suspend"] === true && status?.["startTime"] === undefined;
  const fields = [
    "completions",
    "selector",
    "template",
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
  ];
  const more = ["managedBy", "successPolicy"];
  const fixed = [...fields, ...more].filter((field) => !(field === "template" && waiting));
  // Indexed Jobs may be scaled: completions together with parallelism.
  const elastic = spec["completionMode"] === "Indexed" && spec["completions"] === spec["parallelism"];
  return immutableErrors(
    spec,
    before,
    fixed.filter((field) => !(field === "completions" && elastic)),
    "spec",
  );
}

export function cronJobErrors(spec: JsonObject): FieldError[] {
  const schedule = stringAt(spec, "schedule");
  const policies = ["Allow", "Forbid", "Replace"];
  const policy = stringAt(spec, "concurrencyPolicy");
  const job = objectAt(objectAt(spec, "jobTemplate"), "spec") ?? {};
  const errors: FieldError[] = [];
  if (schedule === "") errors.push(required("spec.schedule"));
  else errors.push(...scheduleErrors(schedule));
  errors.push(...negativeErrors(spec, ["startingDeadlineSeconds"], "spec"));
  errors.push(...timeZoneErrors(spec["timeZone"]));
  if (!policies.includes(policy)) errors.push(notSupported("spec.concurrencyPolicy", policy, policies));
  errors.push(...jobSpecErrors(job, "spec.jobTemplate.spec"));
  const selector = objectAt(job, "selector");
  if (selector !== undefined) {
    errors.push(invalid("spec.jobTemplate.spec.selector", selector, "`selector` will be auto-generated"));
  }
  if (job["manualSelector"] === true) {
    errors.push(notSupported("spec.jobTemplate.spec.manualSelector", true, ["nil", "false"]));
  }
  return [
    ...errors,
    ...negativeErrors(spec, ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"], "spec"),
  ];
}

function jobSpecErrors(spec: JsonObject, path: string): FieldError[] {
  const counts = [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
  ];
  const errors = negativeErrors(spec, [...counts, "backoffLimitPerIndex", "maxFailedIndexes"], path);
  const mode = spec["completionMode"];
  if (mode === "Indexed") {
    if (spec["completions"] === undefined) {
      errors.push(required(`${path}.completions`, "when completion mode is Indexed"));
    }
  } else if (mode === undefined || mode === "NonIndexed") {
    for (const field of ["backoffLimitPerIndex", "maxFailedIndexes"]) {
      const value = spec[field];
      if (value !== undefined)
        errors.push(invalid(`${path}.${field}`, value, "requires indexed completion mode"));
    }
  } else {
    errors.push(notSupported(`${path}.completionMode`, mode, ["NonIndexed", "Indexed"]));
  }
  const template = objectAt(spec, "template") ?? {};
  errors.push(...podTemplateErrors(template, `${path}.template`));
  const policy = stringAt(objectAt(template, "spec"), "restartPolicy");
  const at = `${path}.template.spec.restartPolicy`;
  if (policy === "Always" || policy === "") {
    errors.push(required(at, `valid values: ${quote("OnFailure")}, ${quote("Never")}`));
  } else if (policy !== "OnFailure" && policy !== "Never") {
    errors.push(notSupported(at, policy, ["OnFailure", "Never"]));
  } else if (spec["podFailurePolicy"] !== undefined && policy !== "Never") {
    errors.push(invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
  return errors;
}

function scheduleErrors(schedule: string): FieldError[] {
  if (schedule.includes("TZ")) {
    const detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
    return [invalid("spec.schedule", schedule, detail)];
  }
  const wrong = scheduleError(schedule);
  return wrong === undefined ? [] : [invalid("spec.schedule", schedule, wrong)];
}

function timeZoneErrors(zone: unknown): FieldError[] {
  if (typeof zone !== "string") return [];
  const path = "spec.timeZone";
  if (zone === "") return [invalid(path, zone, "timeZone must be nil or non-empty string")];
  if (zone.toLowerCase() === "local")
    return [
      invalid(
        path,
        zone,
        "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
      ),
    ];
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return [];
  } catch {
    return [invalid(path, zone, `unknown time zone ${zone}`)];
  }
}

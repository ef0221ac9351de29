import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { matchesRequirements } from "../selectors/label-requirement.ts";
import { quote } from "../values/go-text.ts";
import { domainPrefixedErrors } from "./cluster-objects.ts";
import { scheduleError } from "./cron-schedule.ts";
import {
  duplicate,
  type FieldError,
  invalid,
  notSupported,
  OMIT_VALUE,
  required,
  tooMany,
} from "./field-error.ts";
import { immutableErrors } from "./immutable.ts";
import { qualifiedNameErrors } from "./names.ts";
import { negativeErrors } from "./numbers.ts";
import { podTemplateErrors } from "./pods.ts";
import { requirementsOf, selectorErrors } from "./selectors.ts";
import { mismatch } from "./workloads.ts";

/** `job` is the whole object: its name and uid tie its pods to it. */
export function jobErrors(job: JsonObject): FieldError[] {
  const spec = objectAt(job, "spec") ?? {};
  return [...generatedErrors(job, spec), ...jobSpecWithSelectorErrors(spec)];
}

/** What an updated Job's spec is held to. */
export function jobSpecWithSelectorErrors(spec: JsonObject): FieldError[] {
  const selector = objectAt(spec, "selector");
  return [
    ...jobSpecErrors(spec, "spec"),
    ...(selector === undefined ? [required("spec.selector")] : selectorErrors(selector, "spec.selector")),
    ...mismatch(spec),
  ];
}

/** What the server ties a Job's pods to it with must be what it would have made itself. */
function generatedErrors(job: JsonObject, spec: JsonObject): FieldError[] {
  const selector = objectAt(spec, "selector");
  // Without a selector there is nothing more to say than that.
  if (spec["manualSelector"] === true || selector === undefined) return [];
  const { name, uid } = objectAt(job, "metadata") ?? {};
  const labels = objectAt(objectAt(spec["template"], "metadata"), "labels") ?? {};
  const path = "spec.template.metadata.labels";
  const errors: FieldError[] = [];
  for (const prefix of ["", "batch.kubernetes.io/"]) {
    for (const [label, value] of [
      ["controller-uid", uid],
      ["job-name", name],
    ] as const) {
      const key = `${prefix}${label}`;
      if (labels[key] === value) continue;
      // The older labels may be missing.
      if (labels[key] === undefined && prefix === "") continue;
      errors.push(
        labels[key] === undefined
          ? required(`${path}[${key}]`, `must be '${String(value)}'`)
          : invalid(`${path}[${key}]`, labels, `must be '${String(value)}'`),
      );
    }
  }
  const requirements = requirementsOf(selector);
  const own = Object.fromEntries(
    ["", "batch.kubernetes.io/"].flatMap((prefix) => [
      [`${prefix}controller-uid`, String(uid)],
      [`${prefix}job-name`, String(name)],
    ]),
  );
  if (requirements !== undefined && !matchesRequirements(requirements, own)) {
    errors.push(invalid("spec.selector", selector, "`selector` not auto-generated"));
  }
  return errors;
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
  const errors = negativeErrors(spec, [...counts, "backoffLimitPerIndex"], path);
  if (spec["maxFailedIndexes"] !== undefined) {
    errors.push(...negativeErrors(spec, ["maxFailedIndexes"], path));
    if (spec["backoffLimitPerIndex"] === undefined) {
      errors.push(required(`${path}.backoffLimitPerIndex`, "when maxFailedIndexes is specified"));
    }
  }
  if (typeof spec["managedBy"] === "string") {
    errors.push(...domainPrefixedErrors(spec["managedBy"], `${path}.managedBy`));
  }
  const mode = spec["completionMode"];
  if (mode === "Indexed") {
    errors.push(...indexedErrors(spec, path));
  } else if (mode === undefined || mode === "NonIndexed") {
    for (const field of ["backoffLimitPerIndex", "maxFailedIndexes"]) {
      const value = spec[field];
      if (value !== undefined)
        errors.push(invalid(`${path}.${field}`, value, "requires indexed completion mode"));
    }
    const success = objectAt(spec, "successPolicy");
    if (success !== undefined) {
      errors.push(
        invalid(`${path}.successPolicy`, internalSuccess(success), "requires indexed completion mode"),
      );
    }
  } else {
    errors.push(notSupported(`${path}.completionMode`, mode, ["NonIndexed", "Indexed"]));
  }
  errors.push(...failurePolicyErrors(objectAt(spec, "podFailurePolicy"), `${path}.podFailurePolicy`));
  const success = objectAt(spec, "successPolicy");
  if (success !== undefined && mode === "Indexed") {
    errors.push(...successPolicyErrors(success, spec, `${path}.successPolicy`));
  }
  errors.push(...replacementErrors(spec, path));
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

/** More pods at once than this are too much for one Job's index. */
const MAX_INDEXED = 100_000;

function indexedErrors(spec: JsonObject, path: string): FieldError[] {
  const [completions, parallelism] = [spec["completions"], numberAt(spec, "parallelism") ?? 0];
  const errors: FieldError[] = [];
  if (completions === undefined)
    errors.push(required(`${path}.completions`, "when completion mode is Indexed"));
  if (parallelism > MAX_INDEXED) {
    const detail = `must be less than or equal to ${MAX_INDEXED} when completion mode is Indexed`;
    errors.push(invalid(`${path}.parallelism`, parallelism, detail));
  }
  return errors;
}

const ACTIONS = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS = ["In", "NotIn"];
const STATUSES = ["False", "True", "Unknown"];
const MAX_RULES = 20;

/** Values as Go prints a list of quoted texts. */
const quotedList = (values: readonly string[]): string => `[${values.map(quote).join(" ")}]`;

function failurePolicyErrors(policy: JsonObject | undefined, path: string): FieldError[] {
  const rules = listAt(policy, "rules").filter(isObject);
  const errors = rules.length > MAX_RULES ? [tooMany(`${path}.rules`, rules.length, MAX_RULES)] : [];
  return [...errors, ...rules.flatMap((rule, i) => failureRuleErrors(rule, `${path}.rules[${i}]`))];
}

function failureRuleErrors(rule: JsonObject, path: string): FieldError[] {
  const action = stringAt(rule, "action");
  const [codes, conditions] = [objectAt(rule, "onExitCodes"), listAt(rule, "onPodConditions")];
  const errors: FieldError[] = [];
  if (action === "") errors.push(required(`${path}.action`, `valid values: ${quotedList(ACTIONS)}`));
  else if (!ACTIONS.includes(action)) errors.push(notSupported(`${path}.action`, action, ACTIONS));
  if (codes !== undefined) errors.push(...exitCodeErrors(codes, `${path}.onExitCodes`));
  conditions.forEach((condition, i) => {
    const at = `${path}.onPodConditions[${i}]`;
    const [type, status] = [stringAt(condition, "type"), stringAt(condition, "status")];
    errors.push(...qualifiedNameErrors(type).map((detail) => invalid(`${at}.type`, type, detail)));
    if (status === "") errors.push(required(`${at}.status`, `valid values: ${quotedList(STATUSES)}`));
    else if (!STATUSES.includes(status)) errors.push(notSupported(`${at}.status`, status, STATUSES));
  });
  const both = codes !== undefined && conditions.length > 0;
  const neither = codes === undefined && conditions.length === 0;
  // Upstream shows no value here.
  const bare = (detail: string) => errors.push({ ...invalid(path, OMIT_VALUE, detail) });
  if (both) bare("specifying both OnExitCodes and OnPodConditions is not supported");
  if (neither) bare("specifying one of OnExitCodes and OnPodConditions is required");
  return errors;
}

const MAX_EXIT_CODES = 255;

function exitCodeErrors(codes: JsonObject, path: string): FieldError[] {
  const operator = stringAt(codes, "operator");
  const values = listAt(codes, "values").map(Number);
  const errors: FieldError[] = [];
  if (operator === "") errors.push(required(`${path}.operator`, `valid values: ${quotedList(OPERATORS)}`));
  else if (!OPERATORS.includes(operator)) errors.push(notSupported(`${path}.operator`, operator, OPERATORS));
  if (values.length === 0) {
    errors.push(invalid(`${path}.values`, codes["values"] ?? null, "at least one value is required"));
  } else if (values.length > MAX_EXIT_CODES) {
    errors.push(tooMany(`${path}.values`, values.length, MAX_EXIT_CODES));
  }
  let ordered = true;
  const seen = new Set<number>();
  values.forEach((value, i) => {
    if (operator === "In" && value === 0) {
      errors.push(invalid(`${path}.values[${i}]`, value, "must not be 0 for the In operator"));
    }
    if (seen.has(value)) errors.push(duplicate(`${path}.values[${i}]`, value));
    seen.add(value);
    ordered &&= i === 0 || value >= (values[i - 1] ?? value);
  });
  if (!ordered) errors.push(invalid(`${path}.values`, values, "must be ordered"));
  return errors;
}

function successPolicyErrors(policy: JsonObject, spec: JsonObject, path: string): FieldError[] {
  const rules = listAt(policy, "rules").filter(isObject);
  if (rules.length === 0) return [required(`${path}.rules`, "at least one rules must be specified")];
  return rules.flatMap((rule, i) => {
    const at = `${path}.rules[${i}]`;
    const { succeededCount: count, succeededIndexes: indexes } = rule;
    if (count === undefined && indexes === undefined) {
      return [required(at, "at least one of succeededCount or succeededIndexes must be specified")];
    }
    const errors = negativeErrors(rule, ["succeededCount"], at);
    const total = numberAt(spec, "completions") ?? 0;
    if (typeof count === "number" && count > total) {
      const detail = `must be less than or equal to ${total} (the number of specified completions)`;
      errors.push(invalid(`${at}.succeededCount`, count, detail));
    }
    return errors;
  });
}

/** A success policy as upstream's internal type shows it. */
const internalSuccess = (policy: JsonObject): object => ({
  Rules:
    policy["rules"] === undefined || policy["rules"] === null
      ? null
      : listAt(policy, "rules").map((rule) => ({
          SucceededIndexes: objectAt({ rule }, "rule")?.["succeededIndexes"] ?? null,
          SucceededCount: objectAt({ rule }, "rule")?.["succeededCount"] ?? null,
        })),
});

const REPLACEMENTS = ["Failed", "TerminatingOrFailed"];

function replacementErrors(spec: JsonObject, path: string): FieldError[] {
  const value = spec["podReplacementPolicy"];
  if (value === undefined) return [];
  const allowed = spec["podFailurePolicy"] === undefined ? REPLACEMENTS : ["Failed"];
  return allowed.includes(String(value))
    ? []
    : [notSupported(`${path}.podReplacementPolicy`, value, allowed)];
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

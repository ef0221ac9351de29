import { isObject, type JsonObject, jsonEqual, numberAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, invalid, required } from "./field-error.ts";
import { dns1123SubdomainErrors, qualifiedNameErrors } from "./names.ts";

/** Lengths, in characters. */
const LIMITS = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const;

/** An Event of the core group. Those with `eventTime` are of the newer kind, and held to more. */
export function eventErrors(event: JsonObject): FieldError[] {
  const named = {
    about: stringAt(objectAt(event, "involvedObject"), "namespace"),
    controller: "reportingComponent",
    text: "message",
  };
  return commonErrors(event, named);
}

/** An Event of events.k8s.io, which leaves the older fields out. */
export function newEventErrors(event: JsonObject): FieldError[] {
  const named = {
    about: stringAt(objectAt(event, "regarding"), "namespace"),
    controller: "reportingController",
    text: "note",
  };
  const errors = commonErrors(event, named);
  const series = objectAt(event, "series");
  if (series !== undefined) {
    if ((numberAt(series, "count") ?? 0) < 2) {
      errors.push(invalid("series.count", "", "should be at least 2"));
    }
    if (stringAt(series, "lastObservedTime") === "") errors.push(required("series.lastObservedTime"));
  }
  if (stringAt(event, "eventTime") === "") errors.push(required("eventTime"));
  const type = stringAt(event, "type");
  if (type !== "Normal" && type !== "Warning") errors.push(invalid("type", "", `has invalid value: ${type}`));
  for (const [field, shown] of OLDER_FIELDS) {
    if (isGiven(event[field])) errors.push(invalid(shown, "", "needs to be unset"));
  }
  return errors;
}

/** What happened does not change; under the names that complaints use. */
const FIXED = [
  ["regarding", "involvedObject"],
  ["reason", "reason"],
  ["note", "message"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
  ["eventTime", "eventTime"],
  ["action", "action"],
  ["related", "related"],
  ["reportingController", "reportingController"],
  ["reportingInstance", "reportingInstance"],
  ["type", "type"],
] as const;

export function newEventUpdateErrors(event: JsonObject, before: JsonObject): FieldError[] {
  return FIXED.filter(([field]) => !jsonEqual(event[field] ?? "", before[field] ?? "")).map(
    ([field, shown]) => invalid(shown, event[field] ?? "", "field is immutable"),
  );
}

/** Older fields, under the name they have here and the one that complaints use. */
const OLDER_FIELDS = [
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
  ["deprecatedSource", "source"],
] as const;

const isGiven = (value: unknown): boolean =>
  isObject(value)
    ? Object.values(value).some(isGiven)
    : value !== undefined && value !== null && value !== "" && value !== 0;

function commonErrors(
  event: JsonObject,
  { about, controller, text }: { about: string; controller: string; text: string },
): FieldError[] {
  const namespace = stringAt(objectAt(event, "metadata"), "namespace");
  const errors: FieldError[] = [];
  const mismatch = invalid("involvedObject.namespace", about, "does not match event.namespace");
  if (stringAt(event, "eventTime") === "") {
    if (about === "" ? namespace !== "" && namespace !== "default" : about !== namespace) {
      errors.push(mismatch);
    }
  } else {
    if (about === "" && namespace !== "default" && namespace !== "kube-system") errors.push(mismatch);
    const reporter = stringAt(event, controller);
    if (reporter === "") errors.push(required(controller));
    errors.push(...qualifiedNameErrors(reporter).map((detail) => invalid(controller, reporter, detail)));
    for (const field of ["reportingInstance", "action", "reason"] as const) {
      const value = stringAt(event, field);
      if (value === "") errors.push(required(field));
      if (value.length > LIMITS[field]) errors.push(tooManyCharacters(field));
    }
    if (stringAt(event, text).length > LIMITS.message) errors.push(tooManyCharacters("message"));
  }
  return [
    ...errors,
    ...dns1123SubdomainErrors(namespace).map((detail) => invalid("namespace", namespace, detail)),
  ];
}

const tooManyCharacters = (field: keyof typeof LIMITS): FieldError =>
  invalid(field, "", `can have at most ${LIMITS[field]} characters`);

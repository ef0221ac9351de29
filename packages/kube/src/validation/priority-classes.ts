import { type JsonObject, numberAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, forbidden, invalid, notSupported } from "./field-error.ts";

/** What users may define; above it are the system's own classes. */
const HIGHEST_PRIORITY = 1_000_000_000;
const SYSTEM_CLASSES: Readonly<Record<string, number>> = {
  "system-node-critical": 2_000_001_000,
  "system-cluster-critical": 2_000_000_000,
};

export function priorityClassErrors(priority: JsonObject): FieldError[] {
  const name = stringAt(objectAt(priority, "metadata"), "name");
  const value = numberAt(priority, "value") ?? 0;
  const policy = stringAt(priority, "preemptionPolicy");
  const policies = ["PreemptLowerPriority", "Never"];
  const errors: FieldError[] = [];
  if (name.startsWith("system-")) {
    const wrong = systemClassError(name, value, priority["globalDefault"] === true);
    if (wrong !== undefined) {
      const detail = `priority class names with 'system-' prefix are reserved for system use only. error: ${wrong}`;
      errors.push(forbidden("metadata.name", detail));
    }
  } else if (value > HIGHEST_PRIORITY) {
    const detail = `maximum allowed value of a user defined priority is ${HIGHEST_PRIORITY}`;
    errors.push(forbidden("value", detail));
  }
  if (policy !== "" && !policies.includes(policy)) {
    errors.push(notSupported("preemptionPolicy", policy, policies));
  }
  return errors;
}

function systemClassError(name: string, value: number, globalDefault: boolean): string | undefined {
  const expected = Object.hasOwn(SYSTEM_CLASSES, name) ? SYSTEM_CLASSES[name] : undefined;
  if (expected === undefined) return `${name} is not a known system priority class`;
  if (value !== expected) return `value of ${name} PriorityClass must be ${expected}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

export function priorityClassUpdateErrors(priority: JsonObject, before: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  if (priority["value"] !== before["value"]) {
    errors.push(forbidden("value", "may not be changed in an update."));
  }
  if (priority["preemptionPolicy"] !== before["preemptionPolicy"]) {
    errors.push(invalid("preemptionPolicy", priority["preemptionPolicy"] ?? null, "field is immutable"));
  }
  return errors;
}

import { type JsonObject, objectAt } from "../json.ts";
import { compareQuantities, parseQuantity } from "../values/quantity.ts";
import { type FieldError, forbidden, invalid, required } from "./field-error.ts";
import { qualifiedNameErrors } from "./names.ts";

/** Requests and limits: known names, amounts that are not negative, no request above its limit. */
export function resourceErrors(resources: JsonObject | undefined, path: string): FieldError[] {
  const [limits, requests] = [objectAt(resources, "limits") ?? {}, objectAt(resources, "requests") ?? {}];
  const errors = Object.entries(limits).flatMap(([name, value]) =>
    amountErrors(name, value, `${path}.limits`),
  );
  for (const [name, value] of Object.entries(requests)) {
    errors.push(...amountErrors(name, value, `${path}.requests`));
    const limit = limits[name];
    if (limit === undefined) {
      if (OVERCOMMITTED.has(name) || !name.includes("/")) continue;
      errors.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
      continue;
    }
    const order = compareQuantities(String(value), String(limit));
    const exact = !OVERCOMMITTED.has(name);
    if (exact && order !== 0) {
      errors.push(invalid(`${path}.requests`, value, `must be equal to ${name} limit of ${limit}`));
    } else if (order > 0) {
      errors.push(
        invalid(`${path}.requests`, value, `must be less than or equal to ${name} limit of ${limit}`),
      );
    }
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (
    names.some((name) => name.startsWith("hugepages-")) &&
    !names.some((name) => name === "cpu" || name === "memory")
  ) {
    errors.push(forbidden(path, "HugePages require cpu or memory"));
  }
  return errors;
}

/** Resources that something other than a container may have. */
const STANDARD = new Set(["storage", "pods", "services", "secrets", "configmaps", "resourcequotas"]);

/** Resources whose request may be below the limit. */
const OVERCOMMITTED = new Set(["cpu", "memory", "ephemeral-storage"]);

function amountErrors(name: string, value: unknown, path: string): FieldError[] {
  const at = `${path}[${name}]`;
  const errors = qualifiedNameErrors(name).map((detail) => invalid(at, name, detail));
  if (!name.includes("/") && !OVERCOMMITTED.has(name) && !name.startsWith("hugepages-")) {
    if (errors.length === 0 && !STANDARD.has(name)) {
      errors.push(invalid(at, name, "must be a standard resource type or fully qualified"));
    }
    errors.push(invalid(at, name, "must be a standard resource for containers"));
  }
  const { nanos } = parseQuantity(String(value));
  if (nanos < 0n) errors.push(invalid(at, value, "must be greater than or equal to 0"));
  else if (name.includes("/") && nanos % 1_000_000_000n !== 0n)
    errors.push(invalid(at, value, "must be an integer"));
  return errors;
}

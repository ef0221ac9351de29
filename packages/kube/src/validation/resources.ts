import { type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { compareQuantities, parseQuantity, QuantityError } from "../values/quantity.ts";
import {
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  notFound,
  notSupported,
  required,
} from "./field-error.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, qualifiedNameErrors } from "./names.ts";

/** Requests and limits: known names, amounts that are not negative, no request above its limit. */
export function resourceErrors(
  resources: JsonObject | undefined,
  path: string,
  claims: readonly string[] = [],
): FieldError[] {
  const [limits, requests] = [objectAt(resources, "limits") ?? {}, objectAt(resources, "requests") ?? {}];
  const errors = claimErrors(resources, `${path}.claims`, claims);
  for (const [name, value] of Object.entries(limits))
    errors.push(...amountErrors(name, value, `${path}.limits`));
  for (const [name, value] of Object.entries(requests)) {
    // Of huge pages the amount is looked at after what the limit says.
    const amount = amountErrors(name, value, `${path}.requests`);
    const isPages = name.startsWith("hugepages-");
    if (!isPages) errors.push(...amount);
    const limit = limits[name];
    if (limit === undefined) {
      if (isPages || (!OVERCOMMITTED.has(name) && name.includes("/"))) {
        errors.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
      }
      if (isPages) errors.push(...amount);
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
    if (isPages) errors.push(...amount);
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

/** Claims of a container are among its pod's. */
function claimErrors(
  resources: JsonObject | undefined,
  path: string,
  known: readonly string[],
): FieldError[] {
  const seen = new Set<string>();
  return listAt(resources, "claims").flatMap((claim, i) => {
    const [name, at] = [stringAt(claim, "name"), `${path}[${i}]`];
    if (name === "") return [required(at)];
    const errors = seen.has(name) ? [duplicate(at, name)] : [];
    seen.add(name);
    if (known.includes(name)) return errors;
    const list = known.length === 0 ? " which is empty" : `: ${[...known].sort().join(", ")}`;
    return [
      ...errors,
      { ...notFound(at, name), detail: `must be one of the names in pod.spec.resourceClaims${list}` },
    ];
  });
}

/** What a pod claims of devices. */
export function resourceClaimErrors(claims: readonly JsonObject[], path: string): FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap((claim, i) => {
    const at = `${path}[${i}]`;
    const name = stringAt(claim, "name");
    const errors =
      name === ""
        ? [required(`${at}.name`)]
        : seen.has(name)
          ? [duplicate(`${at}.name`, name)]
          : dns1123LabelErrors(name).map((detail) => invalid(`${at}.name`, name, detail));
    seen.add(name);
    const given = ["resourceClaimName", "resourceClaimTemplateName"].filter(
      (field) => claim[field] !== undefined,
    );
    const shown = {
      Name: name,
      ResourceClaimName: claim["resourceClaimName"] ?? null,
      ResourceClaimTemplateName: claim["resourceClaimTemplateName"] ?? null,
    };
    if (given.length > 1) {
      const detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
      errors.push(invalid(at, shown, detail));
    }
    if (given.length === 0) {
      const detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
      errors.push(invalid(at, shown, detail));
    }
    for (const field of given) {
      const value = stringAt(claim, field);
      errors.push(...dns1123SubdomainErrors(value).map((detail) => invalid(`${at}.${field}`, value, detail)));
    }
    return errors;
  });
}

/** What a pod as a whole asks for. */
export function podResourceErrors(
  resources: JsonObject | undefined,
  path: string,
  claims: readonly string[],
): FieldError[] {
  if (resources === undefined) return [];
  const errors =
    listAt(resources, "claims").length === 0
      ? []
      : [forbidden(`${path}.claims`, "claims may not be set for Resources at pod-level")];
  errors.push(...claimErrors(resources, `${path}.claims`, claims));
  const [limits, requests] = [objectAt(resources, "limits") ?? {}, objectAt(resources, "requests") ?? {}];
  for (const [kind, amounts] of [
    ["limits", limits],
    ["requests", requests],
  ] as const) {
    for (const [name, value] of Object.entries(amounts)) {
      const at = `${path}.${kind}[${name}]`;
      const wrong = qualifiedNameErrors(name).map((detail) => invalid(at, name, detail));
      errors.push(...wrong);
      if (wrong.length === 0 && !["cpu", "memory"].includes(name) && !name.startsWith("hugepages-")) {
        errors.push(notSupported(at, name, ["cpu", "hugepages-", "memory"]));
      }
      if (parseQuantity(String(value)).nanos < 0n)
        errors.push(invalid(at, value, "must be greater than or equal to 0"));
      const limit = kind === "requests" ? limits[name] : undefined;
      if (limit !== undefined && compareQuantities(String(value), String(limit)) > 0) {
        errors.push(
          invalid(`${path}.requests`, value, `must be less than or equal to ${name} limit of ${limit}`),
        );
      }
    }
  }
  return errors;
}

/** What running a pod takes beside its containers. */
export const overheadErrors = (overhead: JsonObject | undefined, path: string): FieldError[] =>
  Object.entries(overhead ?? {}).flatMap(([name, value]) => amountErrors(name, value, `${path}.limits`));

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
  else if (name.startsWith("hugepages-")) {
    const page = pageSize(name);
    if (page <= 0n || nanos % page !== 0n || nanos === 0n) {
      errors.push(invalid(at, value, `${String(value)} is not positive integer multiple of ${name}`));
    }
  } else if (name.includes("/") && nanos % 1_000_000_000n !== 0n)
    errors.push(invalid(at, value, "must be an integer"));
  return errors;
}

/** What the name of a resource of huge pages says of their size; 0 where it is no size. */
function pageSize(name: string): bigint {
  try {
    return parseQuantity(name.slice("hugepages-".length)).nanos;
  } catch (error) {
    if (error instanceof QuantityError) return 0n;
    throw error;
  }
}

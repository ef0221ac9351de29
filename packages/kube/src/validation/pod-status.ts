import { type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { ipErrors } from "./addresses.ts";
import { duplicate, type FieldError, invalid } from "./field-error.ts";
import { dns1123SubdomainErrors, qualifiedNameErrors } from "./names.ts";

/** What a node may not say of a pod. What it said before is let through. */
export function podStatusErrors(pod: JsonObject, before: JsonObject): FieldError[] {
  const [status, old] = [objectAt(pod, "status") ?? {}, objectAt(before, "status") ?? {}];
  const nominated = stringAt(status, "nominatedNodeName");
  return [
    ...(nominated === ""
      ? []
      : dns1123SubdomainErrors(nominated).map((detail) =>
          invalid("status.nominatedNodeName", nominated, detail),
        )),
    ...listAt(status, "conditions").flatMap((condition, i) => {
      const type = stringAt(condition, "type");
      // The case of the field is upstream's.
      return qualifiedNameErrors(type).map((detail) => invalid(`status.conditions[${i}].Type`, type, detail));
    }),
    ...["podIPs", "hostIPs"].flatMap((field) =>
      jsonEqual(status[field], old[field]) ? [] : listErrors(status, field),
    ),
  ];
}

function listErrors(status: JsonObject, field: string): FieldError[] {
  const addresses = listAt(status, field).map((entry) => stringAt(entry, "ip"));
  return addresses.flatMap((address, i) => {
    const at = `status.${field}[${i}]`;
    const repeated = addresses.indexOf(address) < i ? [duplicate(at, address)] : [];
    return [...ipErrors(address, at), ...repeated];
  });
}

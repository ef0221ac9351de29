import { isObject, type JsonObject } from "../json.ts";
import { openApiName } from "../openapi/schema-name.ts";
import { decodeTyped } from "../schema/typed-object.ts";
import type { StructType, ValueType } from "../schema/value-type.ts";
import { formatQuantity, parseQuantity } from "../values/quantity.ts";
import { APPS_DEFAULTS } from "./apps.ts";
import { CORE_DEFAULTS } from "./core.ts";
import type { Defaulter } from "./defaulter.ts";
import { GROUP_DEFAULTS } from "./groups.ts";

const DEFAULTERS: ReadonlyMap<string, Defaulter> = new Map(
  Object.entries({ ...CORE_DEFAULTS, ...APPS_DEFAULTS, ...GROUP_DEFAULTS }).map(([name, set]) => [
    openApiName(name),
    set,
  ]),
);

/**
 * An object of a built-in kind with what Kubernetes fills in on every write (its `SetDefaults_…` functions), in the form in
 * which it is stored. What only a create or admission adds is not here: see `prepareForCreate`.
 */
export function withBuiltInDefaults(type: StructType, object: JsonObject): JsonObject {
  const copy = structuredClone(object);
  visit(type, copy);
  return decodeTyped(type, copy).object;
}

/** Holders before what they hold, as upstream. */
function visit(type: ValueType, value: unknown): void {
  if (type.type === "list" && Array.isArray(value)) {
    for (const item of value) visit(type.item, item);
  } else if (type.type === "map" && isObject(value)) {
    if (type.goType === "v1.ResourceList") roundToThousandths(value);
    for (const member of Object.values(value)) visit(type.value, member);
  } else if (type.type === "struct" && isObject(value)) {
    DEFAULTERS.get(type.schemaName ?? "")?.(value);
    for (const field of type.fields.values()) {
      if (field.default !== undefined && isUnset(value[field.name])) value[field.name] = field.default;
      visit(field.type, value[field.name]);
    }
  }
}

/** Amounts of resources are kept to a thousandth. */
function roundToThousandths(amounts: JsonObject): void {
  for (const [name, amount] of Object.entries(amounts)) {
    const { nanos } = parseQuantity(String(amount));
    if (nanos % 1_000_000n === 0n) continue;
    const thousandths = nanos / 1_000_000n + (nanos > 0n ? 1n : 0n);
    amounts[name] = formatQuantity(parseQuantity(`${thousandths}m`));
  }
}

const isUnset = (value: unknown): boolean => value === undefined || value === null || value === "";

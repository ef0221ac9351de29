import { builtInType, DecodeError, setKey, withBuiltInDefaults } from "@tracegate/kube";
import { isObject, type JsonObject, type Manifest } from "../manifest.ts";

/**
 * An object of a built-in kind with what the API would fill in where it says nothing. What its type does not declare stays: it may
 * be what the API refuses. An object that its type cannot hold comes back as it is.
 */
export function withStoredDefaults(object: Manifest): Manifest {
  const type = builtInType(object.apiVersion, object.kind);
  if (type?.type !== "struct") return object;
  try {
    return filledIn(object, withBuiltInDefaults(type, object)) as Manifest; // nothing was taken away
  } catch (error) {
    if (error instanceof DecodeError) return object;
    throw error;
  }
}

/** A value with what another has beside it; items of lists by their place. */
function filledIn(value: unknown, defaulted: unknown): unknown {
  if (value === undefined || value === null || value === "") return defaulted;
  if (Array.isArray(value) && Array.isArray(defaulted))
    return value.map((item, index) => filledIn(item, defaulted[index]));
  if (!isObject(value) || !isObject(defaulted)) return value;
  const filled: JsonObject = { ...value };
  for (const [key, other] of Object.entries(defaulted)) setKey(filled, key, filledIn(value[key], other));
  return filled;
}

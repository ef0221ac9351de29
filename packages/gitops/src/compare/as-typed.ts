import { builtInType, DecodeError, decodeTyped, setKey } from "@tracegate/kube";
import { isObject, type JsonObject, type Manifest } from "../manifest.ts";

/**
 * An object of a built-in kind in the spelling in which its type is stored: `1000m` is `1`, a number may be text, and empty fields
 * that are left out there are left out. It gets no fields that it has not. One that its type cannot hold, or that has fields which
 * the type does not know, comes back as it is.
 */
export function asTyped(object: Manifest): Manifest {
  const type = builtInType(object.apiVersion, object.kind);
  if (type?.type !== "struct") return object;
  try {
    const typed = decodeTyped(type, object);
    return typed.unknown.length > 0 ? object : (common(object, typed.object) as Manifest); // the same object
  } catch (error) {
    if (error instanceof DecodeError) return object;
    throw error;
  }
}

/** What of `typed` the object has, too; items of lists by their place. */
function common(value: unknown, typed: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(typed))
    return typed.map((item, index) => (index < value.length ? common(value[index], item) : item));
  if (!isObject(value) || !isObject(typed)) return typed;
  const kept: JsonObject = {};
  for (const [key, inner] of Object.entries(typed))
    if (Object.hasOwn(value, key)) setKey(kept, key, common(value[key], inner));
  return kept;
}

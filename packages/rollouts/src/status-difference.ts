type Json = Record<string, unknown>;

/** The merge patch that leads from one status to another. */
export function statusDifference(from: object, to: object): Json {
  const patch: Json = {};
  const [before, after] = [new Map(Object.entries(from)), new Map(Object.entries(to))];
  for (const [key, value] of after) {
    const old: unknown = before.get(key);
    if (isObject(old) && isObject(value)) {
      const inner = statusDifference(old, value);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (JSON.stringify(old) !== JSON.stringify(value)) patch[key] = value;
  }
  for (const key of before.keys()) if (!after.has(key)) patch[key] = null;
  return patch;
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

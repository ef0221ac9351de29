import { isObject, type Manifest } from "../manifest.ts";
import { lastAppliedAnnotation, withMergedStringData } from "./normalize.ts";

/**
 * Both sides of a Secret with its values hidden: of each key the first value is eight plus signs long, each further one four
 * longer, so that one sees whether they differ and nothing else. Other kinds are returned as they are.
 */
export function maskedSecrets<T extends Manifest | undefined, L extends Manifest | undefined>(
  target: T,
  live: L,
): { target: T; live: L } {
  const object = target ?? live;
  if (object?.kind !== "Secret" || object.apiVersion !== "v1") return { target, live };
  const masks = new Map<string, Map<string, string>>();
  const masked = (manifest: Manifest): Manifest => {
    const copy = withMergedStringData(manifest);
    const data = copy["data"];
    if (!isObject(data)) return copy;
    const hidden = Object.entries(data).map(([key, value]) => [key, maskOf(masks, key, String(value))]);
    return { ...copy, data: Object.fromEntries(hidden) };
  };
  const wanted = target === undefined ? undefined : withMaskedAnnotation(masked(target), masked);
  const found = live === undefined ? undefined : withMaskedAnnotation(masked(live), masked);
  return { target: wanted as T, live: found as L }; // each undefined where it was
}

function maskOf(masks: Map<string, Map<string, string>>, key: string, value: string): string {
  const known = masks.get(key) ?? new Map<string, string>();
  masks.set(key, known);
  const mask = known.get(value) ?? "+".repeat(8 + 4 * known.size);
  known.set(value, mask);
  return mask;
}

/** What was applied last holds the values, too. */
function withMaskedAnnotation(live: Manifest, masked: (manifest: Manifest) => Manifest): Manifest {
  const text = live.metadata.annotations?.[lastAppliedAnnotation];
  if (text === undefined) return live;
  let applied = "";
  try {
    applied = JSON.stringify(masked(JSON.parse(text) as Manifest)); // it was one when it was applied
  } catch {
    // Somebody edited it: nothing of it is shown.
  }
  const annotations = { ...live.metadata.annotations, [lastAppliedAnnotation]: applied };
  return { ...live, metadata: { ...live.metadata, annotations } };
}

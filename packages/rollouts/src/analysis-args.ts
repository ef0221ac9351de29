import { type Argument, fieldPathValue } from "@tracegate/analysis";
import type { Rollout } from "./types.ts";

/** Arguments of a Rollout's analysis with plain values: hashes and fields are looked up now. */
export function rolloutArgs(
  rollout: Rollout,
  args: readonly Argument[],
  hashes: { readonly latest: string; readonly stable: string },
): { readonly args: Argument[] } | { readonly error: string } {
  const resolved: Argument[] = [];
  for (const { name, value, valueFrom } of args) {
    if (valueFrom?.podTemplateHashValue !== undefined)
      resolved.push({
        name,
        value: valueFrom.podTemplateHashValue === "Latest" ? hashes.latest : hashes.stable,
      });
    else if (valueFrom?.fieldRef !== undefined) {
      const field = fieldPathValue(rollout, valueFrom.fieldRef.fieldPath);
      if ("error" in field) return field;
      resolved.push({ name, value: field.value });
    } else resolved.push({ name, value: value ?? "" });
  }
  return { args: resolved };
}

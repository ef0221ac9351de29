import { type Argument, fieldPathValue } from "@tracegate/analysis";
import type { Rollout } from "./types.ts";

/**
 * Arguments of a Rollout's analysis with plain values: hashes and fields are looked up now. As upstream, a field outside of
 * the metadata that is not there counts as empty when the last field that is asked for is found.
 */
export function rolloutArgs(
  rollout: Rollout,
  args: readonly Argument[],
  hashes: { readonly latest: string; readonly stable: string },
): { readonly args: Argument[] } | { readonly error: string } {
  const resolved: Argument[] = [];
  let lost: string | undefined;
  for (const { name, value, valueFrom } of args) {
    if (valueFrom?.podTemplateHashValue !== undefined)
      resolved.push({
        name,
        value: valueFrom.podTemplateHashValue === "Latest" ? hashes.latest : hashes.stable,
      });
    else if (valueFrom?.fieldRef !== undefined) {
      const { fieldPath } = valueFrom.fieldRef;
      const field = fieldPathValue(rollout, fieldPath);
      lost = "error" in field ? field.error : undefined;
      if (lost !== undefined && fieldPath.startsWith("metadata")) return { error: lost };
      resolved.push({ name, value: "error" in field ? "" : field.value });
    } else resolved.push({ name, value: value ?? "" });
  }
  return lost === undefined ? { args: resolved } : { error: lost };
}

import { SourceError } from "../git/repositories.ts";

/** All that is made of a source, as JSON: twice what may be read as YAML, because kustomize and aliases repeat. */
export const maxRenderedBytes = 20_000_000;

/** Refuses what a small source may grow to, before anyone writes it out. @throws SourceError */
export function checkSize(values: readonly unknown[], limit = maxRenderedBytes): void {
  let left = limit;
  // Aliases make one value stand in many places; each is counted, because each is written.
  const count = (value: unknown): void => {
    if (typeof value === "string") left -= value.length + 2;
    else if (Array.isArray(value)) {
      left -= value.length + 2;
      for (const item of value) count(item);
    } else if (typeof value === "object" && value !== null) {
      left -= 2;
      for (const [key, child] of Object.entries(value)) {
        left -= key.length + 4;
        count(child);
      }
    } else left -= 4;
    if (left < 0) throw tooLarge(limit);
  };
  count(values);
}

const tooLarge = (limit: number): SourceError =>
  new SourceError(`what the source comes to is larger than ${limit} bytes: split it`, "ResourceExhausted", {
    lasting: true,
  });

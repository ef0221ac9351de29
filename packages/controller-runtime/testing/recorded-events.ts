import type { EventRecorder } from "../src/index.ts";

/** An event recorder that only remembers, as `Normal Reason: message` lines. */
export function recordedEvents(): EventRecorder & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  return {
    lines,
    event(_about, type, reason, message) {
      lines.push(`${type} ${reason}: ${message}`);
    },
  };
}

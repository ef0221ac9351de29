import type { OperationState, RetryStrategy } from "../types/application.ts";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `5s`, `1m30s`, or a bare number of seconds. */
export function durationMs(text: string | undefined, fallback: number): number {
  if (text === undefined || text === "") return fallback;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return fallback;
  return parts.reduce((total, [, count, unit]) => total + Number(count) * (unitMs[unit ?? ""] ?? 0), 0);
}

/** How long after a failure attempt number `count` begins. */
export function retryDelayMs(retry: RetryStrategy | undefined, count: number): number {
  const duration = durationMs(retry?.backoff?.duration, 5000);
  const most = durationMs(retry?.backoff?.maxDuration, 180_000);
  return Math.min(most, duration * (retry?.backoff?.factor ?? 2) ** count);
}

/**
 * What a failed operation becomes: running again later while attempts are left, else failed for good. ⚠ As upstream, the
 * time in the message is reckoned before the count goes up and the wait after, so the first wait is twice what is said.
 * A sync that was terminated is not tried again.
 */
export function afterFailure(
  state: OperationState,
  message: string,
  now: number,
  mayRetry = true,
): OperationState {
  const { retry } = state.operation;
  const count = state.retryCount ?? 0;
  const limit = retry?.limit ?? 0;
  const finishedAt = wholeSeconds(now);
  if (mayRetry && (limit < 0 || count < limit)) {
    const at = Date.parse(finishedAt) + retryDelayMs(retry, count);
    return {
      ...state,
      phase: "Running",
      message: `${message} due to application controller sync timeout. Retrying attempt #${count + 1} at ${kitchen(at)}.`,
      finishedAt,
      retryCount: count + 1,
    };
  }
  const suffix = count > 0 ? ` (retried ${count} times).` : "";
  return { ...state, message: `${message}${suffix}`, finishedAt };
}

/** When a failed operation that waits for its next attempt may go on, in milliseconds; undefined when it does not wait. */
export function retryAt(state: OperationState): number | undefined {
  if (state.phase !== "Running" || state.finishedAt === undefined) return undefined;
  return Date.parse(state.finishedAt) + retryDelayMs(state.operation.retry, state.retryCount ?? 0);
}

export const wholeSeconds = (now: number): string => `${new Date(now).toISOString().slice(0, 19)}Z`;

/** Go's `time.Kitchen`, in UTC: `3:04PM`. */
function kitchen(at: number): string {
  const time = new Date(at);
  const hours = time.getUTCHours();
  return `${hours % 12 || 12}:${String(time.getUTCMinutes()).padStart(2, "0")}${hours < 12 ? "AM" : "PM"}`;
}

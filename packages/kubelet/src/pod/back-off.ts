/** How long something that keeps failing is left alone; durations and times in milliseconds. */
export interface BackOff {
  readonly delayMs: number;
  readonly lastUpdate: number;
}

export interface BackOffLimits {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** The kubelet's for restarts and image pulls alike. */
export const kubeletBackOff: BackOffLimits = { baseMs: 10_000, maxMs: 300_000 };

/** Forgotten once what it is about went well for twice the longest delay (client-go's `flowcontrol.Backoff`). */
const expired = (entry: BackOff, eventTime: number, { maxMs }: BackOffLimits): boolean =>
  eventTime - entry.lastUpdate > 2 * maxMs;

/** When to try again after a failure at `eventTime`: at once the first time, else after the delay in force. */
export function retryAt(entry: BackOff | undefined, eventTime: number, limits = kubeletBackOff): number {
  if (entry === undefined || expired(entry, eventTime, limits)) return eventTime;
  return eventTime + entry.delayMs;
}

/** The delay in force once a try that followed a failure at `eventTime` has been made. */
export function afterTry(
  entry: BackOff | undefined,
  eventTime: number,
  now: number,
  limits = kubeletBackOff,
): BackOff {
  const fresh = entry === undefined || expired(entry, eventTime, limits);
  return { delayMs: fresh ? limits.baseMs : Math.min(entry.delayMs * 2, limits.maxMs), lastUpdate: now };
}

/** As Go prints a duration of whole seconds: `10s`, `1m20s`, `5m0s`. */
export function goSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** A duration as ages in tables show it: two figures at most, coarser as it grows (apimachinery `HumanDuration`). */
export function humanDuration(ms: number): string {
  if (ms < -SECOND) return "<invalid>";
  if (ms < 0) return "0s";
  if (ms < 2 * MINUTE) return `${whole(ms, SECOND)}s`;
  if (ms < 10 * MINUTE) return pair(ms, MINUTE, "m", SECOND, "s");
  if (ms < 3 * HOUR) return `${whole(ms, MINUTE)}m`;
  if (ms < 8 * HOUR) return pair(ms, HOUR, "h", MINUTE, "m");
  if (ms < 2 * DAY) return `${whole(ms, HOUR)}h`;
  if (ms < 8 * DAY) return pair(ms, DAY, "d", HOUR, "h");
  if (ms < 2 * YEAR) return `${whole(ms, DAY)}d`;
  if (ms < 8 * YEAR) return pair(ms, YEAR, "y", DAY, "d");
  return `${whole(ms, YEAR)}y`;
}

const whole = (ms: number, unit: number): number => Math.floor(ms / unit);

/** `3m20s`, or `3m` where nothing of the smaller unit is left. */
function pair(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = whole(ms % large, small);
  return `${whole(ms, large)}${largeName}${rest === 0 ? "" : `${rest}${smallName}`}`;
}

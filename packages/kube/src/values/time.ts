/** RFC 3339 times in the two forms of meta/v1: `Time` (whole seconds) and `MicroTime` (six digits). */

/** `2006-01-02T15:04:05Z`: what `metav1.Time` writes. Milliseconds are cut off, not rounded. */
export function formatTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** `2006-01-02T15:04:05.000000Z`: what `metav1.MicroTime` writes; Go refuses any other number of digits. */
export function formatMicroTime(epochMs: number): string {
  const whole = Math.floor(epochMs);
  const micros = Math.floor((epochMs - whole) * 1000);
  return `${new Date(whole).toISOString().slice(0, 23)}${String(micros).padStart(3, "0")}Z`;
}

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since the epoch, with the fraction kept; undefined where the text is no RFC 3339 time. */
export function parseTime(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const parts = [year, month, day, hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = parts;
  if (mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h > 23 || mi > 59 || s > 59) return undefined;
  const base = Date.UTC(2000, mo - 1, d, h, mi, s);
  // Date.UTC reads years below 100 as 19xx, so the year is set afterwards.
  const date = new Date(base);
  date.setUTCFullYear(y, mo - 1, d);
  const sub = fraction === undefined ? 0 : Number(`0.${fraction}`) * 1000;
  return date.getTime() + sub - zoneMs(zone ?? "Z");
}

/** An API time as `Time` writes it again: fraction cut, zone made UTC. Undefined where the text is no time. */
export function canonicalTime(text: string): string | undefined {
  const ms = parseTime(text);
  return ms === undefined ? undefined : formatTime(ms);
}

function zoneMs(zone: string): number {
  if (zone === "Z") return 0;
  const sign = zone.startsWith("-") ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))) * 60_000;
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year % 400 === 0 ? 2000 : 2000 + (year % 400), month, 0)).getUTCDate();
}

import type { KubeObject } from "@tracegate/kube";

/** How long an object is there, in its largest units: `5d`, `3h4m`, `2m10s`, `12s`. */
export function age({ metadata }: KubeObject, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(metadata.creationTimestamp ?? "")) / 1000));
  if (Number.isNaN(seconds)) return "";
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 60),
  ];
  const with2 = (large: string, small: number, unit: string) =>
    small === 0 ? large : `${large}${small}${unit}`;
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return with2(`${minutes}m`, seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return with2(`${hours}h`, minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  return days < 8 ? with2(`${days}d`, hours % 24, "h") : `${days}d`;
}

import type { IntOrString } from "@tracegate/kube";

const unit: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/** Seconds of a pause: a number, a number as text, or a Go duration cut to whole seconds; -1 where it is none of these. */
export function pauseSeconds(duration: IntOrString): number {
  if (typeof duration === "number") return duration;
  if (/^-?\d+$/.test(duration)) return Number(duration);
  if (!/^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(duration)) return -1;
  let seconds = 0;
  for (const [, amount = "0", name = ""] of duration.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    seconds += Number(amount) * (unit[name] ?? 0);
  return Math.trunc(duration.startsWith("-") ? -seconds : seconds);
}

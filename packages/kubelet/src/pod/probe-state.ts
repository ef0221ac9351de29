import type { Container, Probe } from "@tracegate/kube";
import type { ProbedContainer } from "./observed-pod.ts";

export type ProbeKind = "startup" | "readiness" | "liveness";

export interface ProbeResult {
  readonly success: boolean;
  /** What the probe saw, as events tell it. */
  readonly output: string;
}

/** The run of equal results so far; thresholds count it. */
export interface ProbeStreak {
  readonly success: boolean;
  readonly length: number;
}

/** `known`: what the same start was last reported as, so that a new control plane does not take it out of service. */
export function initialProbeState(
  container: Container,
  attempt: number,
  known?: { started: boolean; ready: boolean },
): ProbedContainer {
  const started = known?.started ?? container.startupProbe === undefined;
  return { attempt, started, ready: known?.ready ?? (started && container.readinessProbe === undefined) };
}

export function nextStreak(streak: ProbeStreak | undefined, result: ProbeResult): ProbeStreak {
  return streak?.success === result.success
    ? { ...streak, length: streak.length + 1 }
    : { success: result.success, length: 1 };
}

/** What a probe's streak means for the container. Below its threshold a result changes nothing. */
export function applyStreak(
  state: ProbedContainer,
  container: Container,
  kind: ProbeKind,
  streak: ProbeStreak,
): ProbedContainer {
  const probe = probeOf(container, kind);
  const threshold = streak.success ? (probe?.successThreshold ?? 1) : (probe?.failureThreshold ?? 3);
  if (streak.length < threshold) return state;
  if (kind === "readiness") return { ...state, ready: streak.success };
  if (!streak.success) return { ...state, failed: kind };
  if (kind === "liveness") return state;
  return { ...state, started: true, ready: container.readinessProbe === undefined };
}

export function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  if (kind === "startup") return container.startupProbe;
  return kind === "readiness" ? container.readinessProbe : container.livenessProbe;
}

/** Whether a probe's turn has come: startup before the others, nothing after a final failure. */
export const isDue = (state: ProbedContainer, kind: ProbeKind): boolean =>
  state.failed === undefined && (kind === "startup" ? !state.started : state.started);

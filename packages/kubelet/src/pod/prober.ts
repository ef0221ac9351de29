import type { Clock } from "@tracegate/contracts";
import type { Container } from "@tracegate/kube";
import type { ProbedContainer } from "./observed-pod.ts";
import type { ProbeResult } from "./probe-state.ts";
import {
  applyStreak,
  initialProbeState,
  isDue,
  nextStreak,
  type ProbeKind,
  type ProbeStreak,
  probeOf,
} from "./probe-state.ts";

/** A probe that cannot be carried out is tried so often before it counts as failed. */
const maxTries = 3;

export interface ProberOptions {
  readonly container: Container;
  readonly attempt: number;
  readonly startedAt: number;
  readonly clock: Clock;
  readonly known?: { started: boolean; ready: boolean };
  readonly run: (kind: ProbeKind) => Promise<ProbeResult>;
  /** A result that the state follows from has come in. */
  readonly onChange: (state: ProbedContainer) => void;
  readonly onFailure: (kind: ProbeKind, output: string) => void;
}

/** Probes one start of a container until it is stopped. */
export class Prober {
  readonly attempt: number;
  readonly #options: ProberOptions;
  readonly #stopped = new AbortController();
  #state: ProbedContainer;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.attempt = options.attempt;
    this.#state = initialProbeState(options.container, options.attempt, options.known);
    for (const kind of ["startup", "readiness", "liveness"] as const) {
      if (probeOf(options.container, kind) !== undefined) void this.#loop(kind);
    }
  }

  get state(): ProbedContainer {
    return this.#state;
  }

  stop(): void {
    this.#stopped.abort(new Error("the container is not probed any more"));
  }

  async #loop(kind: ProbeKind): Promise<void> {
    const { container, clock, startedAt } = this.#options;
    const { signal } = this.#stopped;
    const probe = probeOf(container, kind);
    const periodMs = (probe?.periodSeconds ?? 10) * 1000;
    const firstAt = startedAt + (probe?.initialDelaySeconds ?? 0) * 1000;
    let streak: ProbeStreak | undefined;
    try {
      await clock.after(Math.max(0, firstAt - clock.now()), signal);
      for (;;) {
        if (isDue(this.#state, kind)) {
          const result = await this.#attempt(kind);
          if (signal.aborted) return;
          streak = nextStreak(streak, result);
          if (!result.success) this.#options.onFailure(kind, result.output);
          this.#set(applyStreak(this.#state, container, kind, streak));
        } else streak = undefined;
        // The others wait for the startup probe at its own pace, not at theirs.
        const waiting = kind !== "startup" && !this.#state.started;
        await clock.after(waiting ? Math.min(periodMs, 1000) : periodMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #attempt(kind: ProbeKind): Promise<ProbeResult> {
    let words = "";
    for (let tries = 0; tries < maxTries; tries += 1) {
      try {
        return await this.#options.run(kind);
      } catch (error) {
        words = error instanceof Error ? error.message : String(error);
      }
    }
    return { success: false, output: words };
  }

  #set(state: ProbedContainer): void {
    const before = this.#state;
    this.#state = state;
    if (before.ready !== state.ready || before.started !== state.started || before.failed !== state.failed) {
      this.#options.onChange(state);
    }
  }
}

import type { Clock } from "@tracegate/contracts";
import type { Container, Pod, Ref } from "@tracegate/kube";
import type { Sandbox } from "../sandbox.ts";
import { hookTarget } from "./pod-actions.ts";
import type { PodEvents } from "./pod-events.ts";
import type { PodMemory } from "./pod-memory.ts";
import { runProbe } from "./probe-action.ts";
import { type ProbeKind, probeOf } from "./probe-state.ts";
import { Prober } from "./prober.ts";

/** Starts a prober with every container that runs, and stops it with the container. */
export class PodProbing {
  readonly #sandbox: Sandbox;
  readonly #clock: Clock;
  readonly #events: PodEvents;
  readonly #enqueue: (ref: Ref) => void;

  constructor(parts: { sandbox: Sandbox; clock: Clock; events: PodEvents; enqueue: (ref: Ref) => void }) {
    this.#sandbox = parts.sandbox;
    this.#clock = parts.clock;
    this.#events = parts.events;
    this.#enqueue = parts.enqueue;
  }

  keepUp(pod: Pod, memory: PodMemory): void {
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      const run = memory.sandbox?.containers.get(container.name);
      const prober = memory.probers.get(container.name);
      const isUp = run?.state === "running" && run.stoppingSince === undefined;
      if (!isUp) prober?.stop();
      else if (prober?.attempt !== run.attempt) {
        prober?.stop();
        memory.probers.set(container.name, this.#prober(pod, memory, container, run));
      }
    }
  }

  #prober(
    pod: Pod,
    memory: PodMemory,
    container: Container,
    run: { attempt: number; startedAt: number },
  ): Prober {
    const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
    const reported = statuses.find(({ name }) => name === container.name);
    const isSame = reported?.restartCount === run.attempt && reported.state?.running !== undefined;
    const describe = (kind: ProbeKind) => `${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed: `;
    return new Prober({
      container,
      attempt: run.attempt,
      startedAt: run.startedAt,
      clock: this.#clock,
      ...(isSame && reported.ready ? { known: { started: true, ready: true } } : {}),
      run: async (kind) => {
        const probe = probeOf(container, kind);
        if (probe === undefined) throw new Error("missing probe handler");
        return runProbe(hookTarget(this.#sandbox, memory, container), probe);
      },
      onChange: () => this.#enqueue(memory.ref),
      onFailure: (kind, output) =>
        this.#events.tell(pod, "Warning", "Unhealthy", `${describe(kind)}${output}`, container.name),
    });
  }
}

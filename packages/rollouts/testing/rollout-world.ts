import type { AnalysisRun, AnalysisTemplate } from "@tracegate/analysis";
import type { ReplicaSet, Service } from "@tracegate/kube";
import { applyMergePatch, formatTime } from "@tracegate/kube";
import type { CommandPatches } from "../src/commands.ts";
import { planRollout } from "../src/plan.ts";
import type { RolloutAction, RolloutEvent, RolloutSnapshot } from "../src/snapshot.ts";
import { statusDifference } from "../src/status-difference.ts";
import { hashLabel, type Rollout, type RolloutSpec, type RolloutStatus } from "../src/types.ts";

// A world for tests of plans: it does what plans say, and its pods become ready when they are told to.

export const template = (version: number) => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: `web:${version}` }] },
});
const ready = (rs: ReplicaSet): number => rs.status?.availableReplicas ?? 0;
const merged = (of: object, patch: object): object =>
  Object.fromEntries(Object.entries({ ...of, ...patch }).filter(([, value]) => value !== null));

export class RolloutWorld {
  readonly rollout: Rollout;
  readonly sets = new Map<string, ReplicaSet>();
  readonly services = new Map<string, Service>();
  readonly templates = new Map<string, AnalysisTemplate>();
  readonly runs = new Map<string, AnalysisRun>();
  readonly events: RolloutEvent[] = [];
  now = Date.parse("2030-01-01T00:00:00Z");
  wakeAt: number | undefined;

  constructor(
    spec: Partial<RolloutSpec>,
    services: readonly string[] = [],
    templates: readonly string[] = [],
  ) {
    this.rollout = {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Rollout",
      metadata: { name: "web", namespace: "default", uid: "u", generation: 1 },
      spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template: template(1), ...spec },
    };
    for (const name of services)
      this.services.set(name, { apiVersion: "v1", kind: "Service", metadata: { name }, spec: {} });
    for (const name of templates)
      this.templates.set(name, {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "AnalysisTemplate",
        metadata: { name },
        spec: { metrics: [{ name, provider: { prometheus: { query: "q" } } }] },
      });
  }

  get snapshot(): RolloutSnapshot {
    return {
      rollout: this.rollout,
      replicaSets: [...this.sets.values()],
      foreignReplicaSets: [],
      services: this.services,
      abandonedServices: [],
      templates: this.templates,
      clusterTemplates: new Map(),
      analysisRuns: [...this.runs.values()],
      pods: [],
    };
  }

  /** One pass; true when it changed something. */
  pass(): boolean {
    const before = JSON.stringify(this.rollout.status ?? {});
    const plan = planRollout(this.snapshot, this.now);
    const read = this.rollout.status ?? {};
    if (plan.statusFirst !== undefined) this.#writeStatus(read, plan.statusFirst);
    this.carryOut(plan.actions);
    this.events.push(...plan.events);
    this.#writeStatus(read, plan.status);
    this.wakeAt = plan.requeueAfterMs === undefined ? undefined : this.now + plan.requeueAfterMs;
    return plan.actions.length > 0 || JSON.stringify(this.rollout.status) !== before;
  }

  /** As the controller does: what changed since the pass began. */
  #writeStatus(read: RolloutStatus, status: RolloutStatus): void {
    this.rollout.status = applyMergePatch(
      this.rollout.status ?? {},
      statusDifference(read, status),
    ) as RolloutStatus; // of one comes one
  }

  /** Passes with all pods ready, until nothing changes. */
  settle(): void {
    for (let passes = 0; passes < 200; passes++) {
      this.allReady();
      if (!this.pass()) return;
    }
    throw new Error("the Rollout does not come to rest");
  }

  /** Lets time pass, and settles. */
  wait(seconds: number): void {
    this.now += seconds * 1000;
    this.settle();
  }

  deploy(version: number): void {
    this.now += 1000;
    this.change({ template: template(version) });
  }

  change(spec: Partial<RolloutSpec>): void {
    Object.assign(this.rollout.spec, spec);
    this.rollout.metadata.generation = (this.rollout.metadata.generation ?? 0) + 1;
  }

  command({ status = {}, spec = {} }: CommandPatches): void {
    this.rollout.status = merged(this.rollout.status ?? {}, status);
    this.change(spec);
  }

  allReady(): void {
    for (const rs of this.sets.values()) this.available(rs, rs.spec.replicas ?? 0);
  }

  available(rs: ReplicaSet, count: number): void {
    const { generation } = rs.metadata;
    rs.status = {
      replicas: rs.spec.replicas ?? 0,
      readyReplicas: count,
      availableReplicas: count,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
  }

  endRun(name: string, phase: "Successful" | "Failed" | "Inconclusive" | "Error", message?: string): void {
    const run = this.runs.get(name);
    if (run === undefined) throw new Error(`no run ${name}, but ${[...this.runs.keys()].join(", ")}`);
    this.runs.set(name, { ...run, status: { phase, ...(message === undefined ? {} : { message }) } });
  }

  /** The ReplicaSet of a version, and its size. */
  replicaSet(version: number): ReplicaSet | undefined {
    const { image } = template(version).spec.containers[0] ?? { image: "" };
    return [...this.sets.values()].find((rs) => rs.spec.template.spec.containers[0]?.image === image);
  }

  size(version: number): number | undefined {
    return this.replicaSet(version)?.spec.replicas;
  }

  /** The version that a Service leads to. */
  selected(service: string): number | undefined {
    const hash = this.services.get(service)?.spec.selector?.[hashLabel];
    return [1, 2, 3, 4].find((version) => this.hash(version) === hash && hash !== undefined);
  }

  hash(version: number): string | undefined {
    return this.replicaSet(version)?.metadata.labels?.[hashLabel];
  }

  /** What was told for a reason, with hashes as versions. */
  told(reason: string): string[] {
    return this.events
      .filter((event) => event.reason === reason)
      .map(({ message }) =>
        [1, 2, 3, 4].reduce(
          (text, version) => text.replaceAll(this.hash(version) ?? "\0", `v${version}`),
          message,
        ),
      );
  }

  carryOut(actions: readonly RolloutAction[]): void {
    for (const action of actions) this.#carryOut(action);
  }

  #carryOut(action: RolloutAction): void {
    switch (action.do) {
      case "createReplicaSet": {
        const rs = structuredClone(action.replicaSet);
        rs.metadata.creationTimestamp = formatTime(this.now);
        this.sets.set(rs.metadata.name, { ...rs, status: { replicas: 0 } });
        return;
      }
      case "deleteReplicaSet":
        this.sets.delete(action.name);
        return;
      case "patchReplicaSet":
        this.#patchReplicaSet(action);
        return;
      case "patchRollout": {
        const { metadata, spec = {} } = action.body as Partial<Rollout>; // what plans send
        Object.assign(this.rollout.spec, spec);
        this.rollout.metadata.annotations = {
          ...this.rollout.metadata.annotations,
          ...metadata?.annotations,
        };
        return;
      }
      case "patchService": {
        const service = this.services.get(action.name);
        const { metadata, spec } = action.body as unknown as Service; // what plans send
        if (service !== undefined)
          this.services.set(action.name, {
            ...service,
            metadata: {
              ...service.metadata,
              annotations: { ...service.metadata.annotations, ...metadata.annotations },
            },
            spec: { ...service.spec, selector: { ...service.spec.selector, ...spec.selector } },
          });
        return;
      }
      case "createAnalysisRun": {
        const run = structuredClone(action.run);
        run.metadata.creationTimestamp = formatTime(this.now);
        this.runs.set(run.metadata.name, { ...run, status: { phase: "Running" } });
        return;
      }
      case "terminateAnalysisRun": {
        const run = this.runs.get(action.name);
        if (run !== undefined)
          this.runs.set(action.name, {
            ...run,
            spec: { ...run.spec, terminate: true },
            status: { phase: "Successful" },
          });
        return;
      }
      case "deleteAnalysisRun":
        this.runs.delete(action.name);
        return;
      default:
        throw new Error(`this world has no pods: ${action.do}`);
    }
  }

  #patchReplicaSet({ name, body }: Extract<RolloutAction, { do: "patchReplicaSet" }>): void {
    const rs = this.sets.get(name);
    if (rs === undefined) return;
    const { spec = {}, metadata = {} } = body as {
      spec?: { replicas?: number };
      metadata?: { annotations?: Record<string, string | null> };
    }; // what plans send
    Object.assign(rs.spec, spec);
    rs.metadata.annotations = merged(rs.metadata.annotations ?? {}, metadata.annotations ?? {}) as Record<
      string,
      string
    >; // nulls are gone
    // Pods that are too many go at once; new ones are not ready yet.
    this.available(rs, Math.min(ready(rs), rs.spec.replicas ?? 0));
  }
}

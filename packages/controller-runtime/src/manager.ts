import { type Kind, type KubeObject, type Ref, type ResourceClient, refKey } from "@tracegate/kube";
import type { Controller, WatchSource } from "./controller.ts";
import { type Change, Informer } from "./informer.ts";
import { type Log, silentLog } from "./log.ts";
import type { ControllerCounters } from "./metrics.ts";
import type { Scheduler } from "./scheduler.ts";
import { type Backoff, WorkQueue } from "./work-queue.ts";

export interface ControllersOptions {
  readonly client: ResourceClient;
  readonly scheduler: Scheduler;
  readonly controllers: readonly Controller[];
  readonly log?: Log;
  /** How many objects each controller works on at once. Default 5. */
  readonly concurrency?: number;
  /** Of a key that failed. Default 5 ms, doubling to 1000 s, as client-go. */
  readonly backoff?: Partial<Backoff>;
}

/** Controllers that run. */
export interface Manager {
  /** Resolves when every watched kind has been listed once. */
  readonly synced: Promise<void>;
  /** What each controller has done and has before it. */
  counters(): readonly ControllerCounters[];
  /** Ends watches and timers, aborts the reconciles in flight and waits for them. */
  stop(): Promise<void>;
}

const BACKOFF: Backoff = { baseMs: 5, maxMs: 1_000_000 };
/** Until a change is looked up again, when it could not be told whom it concerns. */
const MAP_RETRY_MS = 1000;

/** Starts controllers: one informer per kind, shared; one work queue per controller. */
export function startControllers(options: ControllersOptions): Manager {
  const { client, scheduler, log = silentLog } = options;
  const stopping = new AbortController();
  const runners = options.controllers.map((controller) => new Runner(controller, options, stopping.signal));
  const informers: Informer[] = [];
  for (const kind of watchedKinds(options.controllers)) {
    const tell = runners.map((runner) => runner.listener(kind));
    const onChange = (change: Change) => {
      for (const listener of tell) listener(change);
    };
    informers.push(new Informer({ client, scheduler, kind, log, onChange }));
  }
  for (const informer of informers) informer.start();
  return {
    synced: Promise.all(informers.map((informer) => informer.synced)).then(() => undefined),
    counters: () => runners.map((runner) => runner.counters()),
    async stop() {
      for (const informer of informers) informer.stop();
      stopping.abort(new Error("the controllers are stopping"));
      await Promise.all(runners.map((runner) => runner.stop()));
    },
  };
}

const kindKey = (kind: Kind) => `${kind.group}/${kind.version}/${kind.plural}`;

function watchedKinds(controllers: readonly Controller[]): Iterable<Kind> {
  const kinds = new Map<string, Kind>();
  for (const { kind, watches = [] } of controllers) {
    for (const watched of [kind, ...watches.map((source) => source.kind)]) {
      if (!kinds.has(kindKey(watched))) kinds.set(kindKey(watched), watched);
    }
  }
  return kinds.values();
}

/** One controller with its queue. */
class Runner {
  readonly #controller: Controller;
  readonly #scheduler: Scheduler;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #queue: WorkQueue;
  #succeeded = 0;
  #requeued = 0;
  #failed = 0;

  constructor(controller: Controller, options: ControllersOptions, signal: AbortSignal) {
    this.#controller = controller;
    this.#scheduler = options.scheduler;
    this.#log = options.log ?? silentLog;
    this.#signal = signal;
    this.#queue = new WorkQueue({
      scheduler: options.scheduler,
      concurrency: controller.concurrency ?? options.concurrency ?? 5,
      backoff: { ...BACKOFF, ...options.backoff, ...controller.backoff },
      work: (key) => this.#reconcile(key),
    });
    controller.triggeredBy?.((ref) => this.#queue.add(refKey(ref)));
  }

  /** What a change of an object of `kind` means to this controller. */
  listener(kind: Kind): (change: Change) => void {
    const maps: WatchSource["map"][] = [];
    const { kind: own, watches = [] } = this.#controller;
    if (kindKey(own) === kindKey(kind)) maps.push(({ metadata }) => [metadata]);
    for (const source of watches) {
      if (kindKey(source.kind) === kindKey(kind)) maps.push((object) => source.map(object));
    }
    return ({ before, after }) => {
      for (const map of maps) {
        if (before !== undefined) this.#addMapped(map, before);
        if (after !== undefined) this.#addMapped(map, after);
      }
    };
  }

  #addMapped(map: WatchSource["map"], object: KubeObject): void {
    const add = (refs: readonly Ref[]) => {
      for (const ref of refs) this.#queue.add(refKey(ref));
    };
    const refs = map(object);
    if (!(refs instanceof Promise)) {
      add(refs);
      return;
    }
    this.#scheduler.track(refs).then(add, (error: unknown) => {
      if (this.#signal.aborted) return;
      this.#log.warn({ controller: this.#controller.name, error: String(error) }, "change not mapped");
      this.#scheduler.schedule(MAP_RETRY_MS, () => {
        if (!this.#signal.aborted) this.#addMapped(map, object);
      });
    });
  }

  counters(): ControllerCounters {
    return {
      controller: this.#controller.name,
      succeeded: this.#succeeded,
      requeued: this.#requeued,
      failed: this.#failed,
      queueDepth: this.#queue.depth,
      active: this.#queue.working,
    };
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #reconcile(key: string): Promise<void> {
    try {
      const requeue = await this.#scheduler.run(() => this.#controller.reconcile(refOf(key), this.#signal));
      this.#queue.forget(key);
      if (requeue === undefined) this.#succeeded++;
      else {
        this.#requeued++;
        this.#queue.addAfter(key, requeue.requeueAfterMs);
      }
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#failed++;
      this.#log.warn(
        {
          controller: this.#controller.name,
          object: key,
          error: error instanceof Error ? error.message : error,
        },
        "reconcile failed",
      );
      this.#queue.addAfterFailure(key);
    }
  }
}

/** The way back from `refKey`: no name holds a slash. */
function refOf(key: string): Ref {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

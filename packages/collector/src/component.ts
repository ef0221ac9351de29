import type { Clock } from "@tracegate/contracts";
import type { Payload, Signal } from "@tracegate/otlp";
import type { Field } from "./config/fields.ts";
import type { Logger } from "./log.ts";
import type { Meter } from "./self-metrics.ts";

/** What a component may use of the world. */
export interface Context {
  readonly id: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The address to bind for a configured host: the identity, except where pods share one network. */
  readonly bindHost: (host: string) => string;
  readonly meter: Meter;
  /** Standard output, for exporters that write to it. */
  readonly stdout: (text: string) => void;
  /** Tells which port was bound, for whoever asked for any free one. */
  readonly listening: (port: number) => void;
  /** Ends the process: a component failed after its start and cannot go on. */
  readonly fatal: (error: Error) => void;
}

/** Anything with a lifetime. `shutdown` is called once, also when `start` of another component failed. */
export interface Component {
  start?(): Promise<void>;
  shutdown?(): Promise<void>;
}

/** Takes a payload; resolves when it is taken, rejects when it is not. Payloads are immutable, so they are shared. */
export interface Consumer {
  consume(payload: Payload): Promise<void>;
}

export type ComponentKind = "receiver" | "processor" | "exporter" | "connector" | "extension";

interface Factory<C> {
  readonly type: string;
  readonly config: Field<C>;
  /** What is wrong with a configuration that could be read, in the Collector's words. */
  validate?(config: C): readonly string[];
}

export interface ReceiverFactory<C> extends Factory<C> {
  readonly signals: readonly Signal[];
  /** One instance serves all its signals. */
  create(config: C, context: Context, next: Readonly<Partial<Record<Signal, Consumer>>>): Component;
}

export interface ProcessorFactory<C> extends Factory<C> {
  readonly signals: readonly Signal[];
  create(config: C, context: Context, next: Consumer, signal: Signal): Component & Consumer;
}

export interface ExporterFactory<C> extends Factory<C> {
  readonly signals: readonly Signal[];
  create(config: C, context: Context, signal: Signal): Component & Consumer;
}

export interface ConnectorFactory<C> extends Factory<C> {
  readonly pairs: readonly (readonly [from: Signal, to: Signal])[];
  create(config: C, context: Context, next: Consumer, from: Signal, to: Signal): Component & Consumer;
}

export interface ExtensionFactory<C> extends Factory<C> {
  create(config: C, context: Context): Extension;
}

export interface Extension extends Component {
  /** All pipelines run. */
  ready?(): void;
  /** Shutdown begins. */
  notReady?(): void;
}

/** Every component that this collector has. */
export interface Components {
  readonly receivers: readonly ReceiverFactory<unknown>[];
  readonly processors: readonly ProcessorFactory<unknown>[];
  readonly exporters: readonly ExporterFactory<unknown>[];
  readonly connectors: readonly ConnectorFactory<unknown>[];
  readonly extensions: readonly ExtensionFactory<unknown>[];
}

/** Hands a payload to several consumers. All get it; what fails is combined, although others took it. */
export function fanOut(consumers: readonly Consumer[]): Consumer {
  const [only, ...more] = consumers;
  if (only !== undefined && more.length === 0) return only;
  return {
    async consume(payload) {
      const results = await Promise.allSettled(consumers.map((c) => c.consume(payload)));
      const errors = results.flatMap((r) => (r.status === "rejected" ? [r.reason as unknown] : []));
      if (errors.length === 1) throw errors[0];
      if (errors.length > 1) throw new Error(errors.map(errorText).join("; "), { cause: errors[0] });
    },
  };
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

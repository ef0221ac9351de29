import type { Signal } from "@tracegate/otlp";
import type { Component, ComponentKind, Components, Consumer, Context } from "./component.ts";
import { errorText, fanOut } from "./component.ts";
import type { CollectorConfig, Pipeline } from "./config/collector-config.ts";
import { quote } from "./config/go-values.ts";

/** A component and where it stands, for start-up, shutdown and their messages. */
export interface Node {
  readonly kind: ComponentKind;
  readonly id: string;
  readonly component: Component;
}

export type MakeContext = (
  kind: ComponentKind,
  id: string,
  place: { signal?: Signal; pipeline?: string },
) => Context;

/** The nodes in the order they start: whatever receives data is there before what sends it. Throws on a bad graph. */
export function buildGraph(
  config: CollectorConfig,
  components: Components,
  contextOf: MakeContext,
): readonly Node[] {
  checkConnectors(config, components);
  checkCycles(config, components);
  return new GraphBuilder(config, components, contextOf).build();
}

class GraphBuilder {
  readonly #config: CollectorConfig;
  readonly #components: Components;
  readonly #contextOf: MakeContext;
  readonly #nodes: Node[] = [];
  readonly #heads = new Map<string, Consumer>();
  readonly #exporters = new Map<string, Consumer>();
  readonly #connectors = new Map<string, Consumer>();

  constructor(config: CollectorConfig, components: Components, contextOf: MakeContext) {
    this.#config = config;
    this.#components = components;
    this.#contextOf = contextOf;
  }

  /** Consumers are made before those that feed them, so the order of making is the order of starting. */
  build(): readonly Node[] {
    for (const pipeline of this.#config.service.pipelines) this.#head(pipeline);
    this.#buildReceivers();
    return this.#nodes;
  }

  /** Where a pipeline takes its data: its first processor, or its exporters. */
  #head(pipeline: Pipeline): Consumer {
    const known = this.#heads.get(pipeline.id);
    if (known !== undefined) return known;
    const targets = unique(pipeline.exporters).map((id) =>
      this.#config.connectors.has(id)
        ? this.#connectorInput(id, pipeline.signal)
        : this.#exporter(id, pipeline.signal),
    );
    let next = fanOut(targets);
    for (const id of pipeline.processors.toReversed()) next = this.#processor(id, pipeline, next);
    this.#heads.set(pipeline.id, next);
    return next;
  }

  #exporter(id: string, signal: Signal): Consumer {
    const key = `${id} ${signal}`;
    const known = this.#exporters.get(key);
    if (known !== undefined) return known;
    const configured = required(this.#config.exporters.get(id));
    const factory = required(this.#components.exporters.find((f) => f.type === configured.type));
    if (!factory.signals.includes(signal)) {
      throw new Error(
        `failed to create ${quote(id)} exporter for data type ${quote(signal)}: ${UNSUPPORTED}`,
      );
    }
    const context = this.#contextOf("exporter", id, { signal });
    const exporter = creating(`failed to create ${quote(id)} exporter for data type ${quote(signal)}`, () =>
      factory.create(configured.config, context, signal),
    );
    this.#nodes.push({ kind: "exporter", id, component: exporter });
    this.#exporters.set(key, exporter);
    return exporter;
  }

  #processor(id: string, pipeline: Pipeline, next: Consumer): Consumer {
    const configured = required(this.#config.processors.get(id));
    const factory = required(this.#components.processors.find((f) => f.type === configured.type));
    if (!factory.signals.includes(pipeline.signal)) {
      throw new Error(
        `failed to create ${quote(id)} processor, in pipeline ${quote(pipeline.id)}: ${UNSUPPORTED}`,
      );
    }
    const context = this.#contextOf("processor", id, { signal: pipeline.signal, pipeline: pipeline.id });
    const processor = creating(
      `failed to create ${quote(id)} processor, in pipeline ${quote(pipeline.id)}`,
      () => factory.create(configured.config, context, next, pipeline.signal),
    );
    this.#nodes.push({ kind: "processor", id, component: processor });
    return processor;
  }

  /** A connector where it stands among exporters: one instance for each signal that it can produce and somebody reads. */
  #connectorInput(id: string, from: Signal): Consumer {
    const instances = targetsOf(id, from, this.#config, this.#components).map(({ to, pipelines }) => {
      const key = `${id} ${from} ${to}`;
      const known = this.#connectors.get(key);
      if (known !== undefined) return known;
      const next = fanOut(pipelines.map((p) => this.#head(p)));
      const configured = required(this.#config.connectors.get(id));
      const factory = required(this.#components.connectors.find((f) => f.type === configured.type));
      const connector = factory.create(
        configured.config,
        this.#contextOf("connector", id, { signal: from }),
        next,
        from,
        to,
      );
      this.#nodes.push({ kind: "connector", id, component: connector });
      this.#connectors.set(key, connector);
      return connector;
    });
    return fanOut(instances);
  }

  /** A receiver is one instance for all its signals. */
  #buildReceivers(): void {
    const wanted = new Map<string, Map<Signal, Consumer[]>>();
    for (const pipeline of this.#config.service.pipelines) {
      for (const id of unique(pipeline.receivers)) {
        if (this.#config.connectors.has(id)) continue;
        const bySignal = wanted.get(id) ?? new Map<Signal, Consumer[]>();
        wanted.set(id, bySignal);
        bySignal.set(pipeline.signal, [...(bySignal.get(pipeline.signal) ?? []), this.#head(pipeline)]);
      }
    }
    for (const [id, bySignal] of wanted) {
      const configured = required(this.#config.receivers.get(id));
      const factory = required(this.#components.receivers.find((f) => f.type === configured.type));
      const next: Partial<Record<Signal, Consumer>> = {};
      for (const [signal, heads] of bySignal) {
        if (!factory.signals.includes(signal)) {
          throw new Error(
            `failed to create ${quote(id)} receiver for data type ${quote(signal)}: ${UNSUPPORTED}`,
          );
        }
        next[signal] = fanOut(heads);
      }
      const component = factory.create(configured.config, this.#contextOf("receiver", id, {}), next);
      this.#nodes.push({ kind: "receiver", id, component });
    }
  }
}

function creating<T>(failure: string, create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw new Error(`${failure}: ${errorText(error)}`, { cause: error });
  }
}

const UNSUPPORTED = "telemetry type is not supported";

/** The pipelines that a connector fed with `from` leads to, by the signal they carry. */
function targetsOf(
  id: string,
  from: Signal,
  config: CollectorConfig,
  components: Components,
): { readonly to: Signal; readonly pipelines: readonly Pipeline[] }[] {
  const type = config.connectors.get(id)?.type;
  const pairs = components.connectors.find((f) => f.type === type)?.pairs ?? [];
  return pairs
    .filter(([f]) => f === from)
    .map(([, to]) => ({
      to,
      pipelines: config.service.pipelines.filter((p) => p.signal === to && p.receivers.includes(id)),
    }))
    .filter(({ pipelines }) => pipelines.length > 0);
}

/** Every use of a connector needs a use on its other side that it can serve. */
function checkConnectors(config: CollectorConfig, components: Components): void {
  const { pipelines } = config.service;
  for (const id of config.connectors.keys()) {
    const type = config.connectors.get(id)?.type;
    const pairs = components.connectors.find((f) => f.type === type)?.pairs ?? [];
    const sources = pipelines.filter((p) => p.exporters.includes(id));
    const targets = pipelines.filter((p) => p.receivers.includes(id));
    const lonely = sources.filter((s) => !targets.some((t) => connects(pairs, s, t)));
    if (lonely.length > 0) {
      throw new Error(
        `connector ${quote(id)} used as exporter in [${names(lonely)}] pipeline but not used in any supported receiver pipeline`,
      );
    }
    const unfed = targets.filter((t) => !sources.some((s) => connects(pairs, s, t)));
    if (unfed.length > 0) {
      throw new Error(
        `connector ${quote(id)} used as receiver in [${names(unfed)}] pipeline but not used in any supported exporter pipeline`,
      );
    }
  }
}

function connects(
  pairs: readonly (readonly [Signal, Signal])[],
  source: Pipeline,
  target: Pipeline,
): boolean {
  return pairs.some(([from, to]) => from === source.signal && to === target.signal);
}

function names(pipelines: readonly Pipeline[]): string {
  return pipelines.map((p) => p.id).join(" ");
}

/** One connector between two signals: the nodes through which data could come back to where it was. */
interface Link {
  readonly id: string;
  readonly from: Signal;
  readonly to: Signal;
}

/** Follows each connector downstream; a way that comes back to it is refused, and shown. */
function checkCycles(config: CollectorConfig, components: Components): void {
  const linksOut = (pipeline: Pipeline): Link[] =>
    unique(pipeline.exporters).flatMap((id) =>
      targetsOf(id, pipeline.signal, config, components).map(({ to }) => ({ id, from: pipeline.signal, to })),
    );
  const follow = (start: Link, at: Link, path: readonly string[], passed: readonly string[]): void => {
    const target = targetsOf(at.id, at.from, config, components).find(({ to }) => to === at.to);
    for (const pipeline of target?.pipelines ?? []) {
      if (passed.includes(pipeline.id)) continue;
      const steps = pipeline.processors.map((p) => `processor ${quote(p)} in pipeline ${quote(pipeline.id)}`);
      for (const link of linksOut(pipeline)) {
        const here = [...path, ...steps, linkName(link)];
        if (linkName(link) === linkName(start)) throw new Error(`cycle detected: ${here.join(" -> ")}`);
        follow(start, link, here, [...passed, pipeline.id]);
      }
    }
  };
  for (const link of config.service.pipelines.flatMap(linksOut)) follow(link, link, [linkName(link)], []);
}

function linkName({ id, from, to }: Link): string {
  return `connector ${quote(id)} (${from} to ${to})`;
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}

/** Validation has seen to it that every reference leads somewhere. */
function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("reference to a component that is not configured");
  return value;
}

import type { Signal, SignalData } from "./model.ts";
import { decodeProto, encodeProto } from "./protobuf.ts";
import { checkProto } from "./wire-check.ts";

/**
 * One export request on its way through pipelines: bytes, model, or both, each made from the other only when somebody
 * asks. What arrives as protobuf and leaves as protobuf is never decoded. Immutable: a processor makes a new one, so
 * consumers share it freely.
 */
export class Payload<S extends Signal = Signal> {
  readonly signal: S;
  /** Spans, data points or log records. */
  readonly items: number;
  #bytes: Uint8Array | undefined;
  #model: SignalData[S] | undefined;

  private constructor(
    signal: S,
    items: number,
    bytes: Uint8Array | undefined,
    model: SignalData[S] | undefined,
  ) {
    this.signal = signal;
    this.items = items;
    this.#bytes = bytes;
    this.#model = model;
  }

  /** From bytes of unknown origin: they are checked, completely, and counted. Throws `WireError`. */
  static fromProto<S extends Signal>(signal: S, bytes: Uint8Array): Payload<S> {
    return new Payload(signal, checkProto(signal, bytes), bytes, undefined);
  }

  static fromModel<S extends Signal>(signal: S, model: SignalData[S]): Payload<S> {
    return new Payload(signal, countItems(signal, model), undefined, model);
  }

  /** Several as one. A concatenation of protobuf messages is their merge, so resources simply follow each other. */
  static join<S extends Signal>(signal: S, payloads: readonly Payload<S>[]): Payload<S> {
    const [only, ...more] = payloads;
    if (only !== undefined && more.length === 0) return only;
    const items = payloads.reduce((sum, p) => sum + p.items, 0);
    return new Payload<S>(signal, items, Buffer.concat(payloads.map((p) => p.bytes())), undefined);
  }

  bytes(): Uint8Array {
    if (this.#bytes === undefined) this.#bytes = encodeProto(this.signal, this.model());
    return this.#bytes;
  }

  model(): SignalData[S] {
    if (this.#model === undefined) this.#model = decodeProto(this.signal, this.bytes());
    return this.#model;
  }
}

function countItems<S extends Signal>(signal: S, model: SignalData[S]): number {
  // A payload's signal says which of the three the model is; TypeScript does not narrow S by `signal`.
  const data = model as Partial<SignalData["traces"] & SignalData["metrics"] & SignalData["logs"]>;
  let items = 0;
  if (signal === "traces") {
    for (const r of data.resourceSpans ?? []) for (const s of r.scopeSpans) items += s.spans.length;
  } else if (signal === "logs") {
    for (const r of data.resourceLogs ?? []) for (const s of r.scopeLogs) items += s.logRecords.length;
  } else {
    for (const r of data.resourceMetrics ?? [])
      for (const s of r.scopeMetrics)
        for (const m of s.metrics) {
          const points = m.gauge ?? m.sum ?? m.histogram ?? m.exponentialHistogram ?? m.summary;
          items += points?.dataPoints.length ?? 0;
        }
  }
  return items;
}

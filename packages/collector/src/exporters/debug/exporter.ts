import type { Payload, Signal } from "@tracegate/otlp";
import type { ExporterFactory } from "../../component.ts";
import type { Config } from "../../config/fields.ts";
import { bool, int, struct, text, unsupported } from "../../config/fields.ts";
import { isSignal } from "../../payload-signal.ts";
import { detailed } from "./detailed.ts";
import { normal } from "./normal.ts";

const debugConfig = struct({
  verbosity: text("basic"),
  sampling_initial: int(2),
  sampling_thereafter: int(1),
  use_internal_logger: bool(true),
  output_paths: unsupported,
  sending_queue: unsupported,
});

type DebugConfig = Config<typeof debugConfig>;

const CALLER = "debugexporter@v0.142.0/exporter.go";
const TITLES: Readonly<Record<Signal, string>> = { traces: "Traces", metrics: "Metrics", logs: "Logs" };

/** Writes what passes to the log, in one of three verbosities. */
export const debugExporter: ExporterFactory<DebugConfig> = {
  type: "debug",
  config: debugConfig,
  signals: ["traces", "metrics", "logs"],
  validate({ verbosity }) {
    const level = verbosity.toLowerCase();
    if (level === "none") return ['verbosity level "None" is not supported'];
    if (["basic", "normal", "detailed"].includes(level)) return [];
    return [`verbosity: unknown metrics level ${JSON.stringify(verbosity)}`];
  },
  create(config, context) {
    const verbosity = config.verbosity.toLowerCase();
    const allowed = sampler(config.sampling_initial, config.sampling_thereafter, () => context.clock.now());
    return {
      async consume(payload) {
        const title = TITLES[payload.signal];
        const write = (line: string, fields?: Readonly<Record<string, unknown>>) => {
          if (!allowed(fields === undefined ? "body" : title)) return;
          if (config.use_internal_logger) context.log.log("info", CALLER, line, fields);
          else context.stdout(`${line}${fields === undefined ? "" : `\t${JSON.stringify(fields)}`}\n`);
        };
        write(title, counts(payload));
        if (verbosity === "normal") write(normal(payload));
        if (verbosity === "detailed") write(detailed(payload));
      },
    };
  },
};

/** Of each kind of line the first `initial` in a second, then every `thereafter`-th. */
function sampler(initial: number, thereafter: number, nowMs: () => number): (kind: string) => boolean {
  const seen = new Map<string, { second: number; lines: number }>();
  return (kind) => {
    const second = Math.floor(nowMs() / 1000);
    const before = seen.get(kind);
    const lines = before?.second === second ? before.lines + 1 : 1;
    seen.set(kind, { second, lines });
    return lines <= initial || (thereafter > 0 && (lines - initial) % thereafter === 0);
  };
}

function counts(payload: Payload): Readonly<Record<string, number>> {
  if (isSignal(payload, "traces")) {
    return { "resource spans": payload.model().resourceSpans.length, spans: payload.items };
  }
  if (isSignal(payload, "logs")) {
    return { "resource logs": payload.model().resourceLogs.length, "log records": payload.items };
  }
  if (!isSignal(payload, "metrics")) return {};
  const { resourceMetrics } = payload.model();
  const metrics = resourceMetrics.flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics)).length;
  return { "resource metrics": resourceMetrics.length, metrics, "data points": payload.items };
}

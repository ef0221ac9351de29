import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from "yaml";

/** How fast the main job goes; the code is the same. Times of `source` are those of the manifests in `examples/hotrod`. */
export interface Timing {
  readonly name: TimingName;
  readonly scrapeIntervalMs: number;
  /** How often GitOps looks at the repository. */
  readonly gitPollMs: number;
  /** Values for the manifests; absent: as they are. */
  readonly manifests?: {
    readonly spanMetricsFlush: string;
    readonly rateWindow: string;
    /** By the delay the manifest says. */
    readonly initialDelays: Readonly<Record<"60s" | "90s", string>>;
    readonly interval: string;
    readonly probeDelaySeconds: number;
    readonly traffic: {
      readonly generators: number;
      readonly startDelaySeconds: string;
      readonly pauseSeconds: string;
    };
    readonly spanExportDelayMs: number;
  };
}

export const timingNames = ["source", "default", "test"] as const;
export type TimingName = (typeof timingNames)[number];

export const timings: Readonly<Record<TimingName, Timing>> = {
  source: { name: "source", scrapeIntervalMs: 15_000, gitPollMs: 3000 },
  default: {
    name: "default",
    scrapeIntervalMs: 2000,
    gitPollMs: 1000,
    manifests: {
      spanMetricsFlush: "2s",
      rateWindow: "20s",
      initialDelays: { "60s": "10s", "90s": "14s" },
      interval: "3s",
      probeDelaySeconds: 1,
      traffic: { generators: 1, startDelaySeconds: "1", pauseSeconds: "0.5" },
      spanExportDelayMs: 1000,
    },
  },
  test: {
    name: "test",
    scrapeIntervalMs: 500,
    gitPollMs: 300,
    manifests: {
      spanMetricsFlush: "500ms",
      rateWindow: "5s",
      initialDelays: { "60s": "3s", "90s": "4s" },
      interval: "1s",
      probeDelaySeconds: 1,
      // A rate over 5 s needs more than the odd request: a counter's first value counts for nothing.
      traffic: { generators: 3, startDelaySeconds: "0.5", pauseSeconds: "0.1" },
      spanExportDelayMs: 200,
    },
  },
};

/**
 * A manifest with the timing's values in place of the source's; comments and order stay. What it knows is found by kind and
 * content, so that any example's files can be given.
 */
export function retime(text: string, { manifests: values }: Timing): string {
  if (values === undefined) return text;
  const document = parseDocument(text);
  const edit = edits[String(document.get("kind"))];
  return edit === undefined || !edit(document, values)
    ? text
    : inWindows(document.toString({ lineWidth: 0 }));

  function inWindows(retimed: string): string {
    return retimed.replaceAll("[2m]", `[${values?.rateWindow}]`);
  }
}

type Values = NonNullable<Timing["manifests"]>;

/** Each answers whether it changed something. */
const edits: Readonly<Record<string, (document: Document, values: Values) => boolean>> = {
  AnalysisTemplate(document, { initialDelays, interval }) {
    const metrics = document.getIn(["spec", "metrics"]);
    if (!isSeq(metrics)) return false;
    for (const metric of metrics.items.filter(isMap)) {
      const delay = metric.get("initialDelay");
      if (delay === "60s" || delay === "90s") metric.set("initialDelay", initialDelays[delay]);
      if (metric.has("interval")) metric.set("interval", interval);
    }
    return true;
  },
  Rollout(document, { probeDelaySeconds, spanExportDelayMs }) {
    const exportsSpans = environment(document).has("OTEL_EXPORTER_OTLP_ENDPOINT");
    if (exportsSpans) {
      const delay = { name: "OTEL_BSP_SCHEDULE_DELAY", value: String(spanExportDelayMs) };
      document.addIn([...container, "env"], delay);
    }
    return probeSooner(document, probeDelaySeconds) || exportsSpans;
  },
  DaemonSet(document, { probeDelaySeconds, spanMetricsFlush }) {
    const config = document.getIn([...container, "args", 0]);
    const collects = typeof config === "string" && config.startsWith("--config=");
    if (collects) {
      document.addIn(
        [...container, "args"],
        `--set=connectors.spanmetrics.metrics_flush_interval=${spanMetricsFlush}`,
      );
    }
    return probeSooner(document, probeDelaySeconds) || collects;
  },
  Deployment(document, { probeDelaySeconds, traffic }) {
    const env = environment(document);
    const generates = env.has("START_DELAY") && env.has("PAUSE");
    if (generates) {
      document.setIn(["spec", "replicas"], traffic.generators);
      env.get("START_DELAY")?.set("value", traffic.startDelaySeconds);
      env.get("PAUSE")?.set("value", traffic.pauseSeconds);
    }
    return probeSooner(document, probeDelaySeconds) || generates;
  },
};

const container = ["spec", "template", "spec", "containers", 0];

/** The first container's environment, by name. */
function environment(document: Document): Map<unknown, YAMLMap> {
  const env = document.getIn([...container, "env"]);
  return new Map(isSeq(env) ? env.items.filter(isMap).map((item) => [item.get("name"), item]) : []);
}

function probeSooner(document: Document, delaySeconds: number): boolean {
  const probes = ["livenessProbe", "readinessProbe"].filter((probe) => document.hasIn([...container, probe]));
  for (const probe of probes) {
    document.setIn([...container, probe, "initialDelaySeconds"], delaySeconds);
  }
  // Liveness keeps its period: a busy machine may miss three seconds, and nothing waits for this probe.
  if (probes.includes("readinessProbe")) document.setIn([...container, "readinessProbe", "periodSeconds"], 1);
  return probes.length > 0;
}

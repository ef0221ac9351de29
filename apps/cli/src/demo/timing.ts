import { parseDocument } from "yaml";

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

/** A manifest of `examples/hotrod` with the timing's values in place of its own; comments and order stay. */
export function retime(path: string, text: string, { manifests: values }: Timing): string {
  if (values === undefined) return text;
  const document = parseDocument(text);
  switch (path) {
    case "hotrod/analysis-template.yaml": {
      const { spec } = document.toJS() as { spec: { metrics: { initialDelay: "60s" | "90s" }[] } }; // our own example
      for (const [index, { initialDelay }] of spec.metrics.entries()) {
        document.setIn(["spec", "metrics", index, "initialDelay"], values.initialDelays[initialDelay]);
        document.setIn(["spec", "metrics", index, "interval"], values.interval);
      }
      return document.toString({ lineWidth: 0 }).replaceAll("[2m]", `[${values.rateWindow}]`);
    }
    case "hotrod/rollout.yaml":
      document.addIn(["spec", "template", "spec", "containers", 0, "env"], {
        name: "OTEL_BSP_SCHEDULE_DELAY",
        value: String(values.spanExportDelayMs),
      });
      return document.toString({ lineWidth: 0 });
    case "otel/config.yaml":
      return text.replace(/(metrics_flush_interval: )\S+/, `$1${values.spanMetricsFlush}`);
    case "otel/daemonset.yaml":
      for (const probe of ["livenessProbe", "readinessProbe"]) {
        const at = ["spec", "template", "spec", "containers", 0, probe];
        document.setIn([...at, "initialDelaySeconds"], values.probeDelaySeconds);
        document.setIn([...at, "periodSeconds"], 1);
      }
      return document.toString({ lineWidth: 0 });
    case "traffic-generator/deployment.yaml": {
      const { generators, startDelaySeconds, pauseSeconds } = values.traffic;
      const env = ["spec", "template", "spec", "containers", 0, "env"];
      document.setIn(["spec", "replicas"], generators);
      document.setIn([...env, 0, "value"], startDelaySeconds);
      document.setIn([...env, 1, "value"], pauseSeconds);
      return document.toString({ lineWidth: 0 });
    }
    default:
      return text;
  }
}

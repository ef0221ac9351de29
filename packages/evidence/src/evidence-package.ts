import { createHash } from "node:crypto";
import type { AnalysisRun, Metric, MetricResult } from "@tracegate/analysis";
import { overallVerdict, type Verdict } from "@tracegate/judge";
import type { Rollout } from "@tracegate/rollouts";
import { judged } from "./judged-metric.ts";
import { revertedBy } from "./reverted-by.ts";

/** The name of the JSON's format; it changes when a reader would have to. */
export const evidenceFormat = "tracegate.dev/evidence/v1";

/** Why a release went on to all of the traffic, or back: everything needed to look the decision up again later. */
export interface EvidencePackage {
  readonly format: typeof evidenceFormat;
  readonly release: {
    readonly namespace: string;
    readonly rollout: string;
    readonly revision: number;
    readonly attempt: number;
    readonly podTemplateHash: string;
    readonly images: readonly string[];
  };
  readonly verdict: "go" | "no-go";
  /** What the gates say together; "cannot tell" beside a "go" means that the release was let through unjudged. */
  readonly judgement: Verdict;
  /** RFC 3339. */
  readonly decidedAt: string;
  /** What the Rollout itself says. */
  readonly message: string;
  readonly gates: readonly Gate[];
  /** SHA-256 of the gates (what was asked and measured) and of the judgement, as canonical JSON. */
  readonly hashes: { readonly gates: string; readonly judgement: string };
  /** What this decision was made from; the same decision is written once. */
  readonly decision: string;
}

export interface Gate {
  readonly analysisRun: string;
  readonly metric: string;
  readonly phase: string;
  readonly dryRun: boolean;
  readonly verdict: Verdict;
  readonly asked: {
    readonly provider: string;
    readonly address?: string;
    readonly query?: string;
    readonly successCondition?: string;
    readonly failureCondition?: string;
    readonly initialDelay?: string;
    readonly interval?: string;
    readonly count?: string;
  };
  readonly measurements: readonly {
    readonly phase: string;
    readonly value?: string;
    readonly message?: string;
    readonly startedAt?: string;
    readonly finishedAt?: string;
  }[];
  /** What would have taken the release back, in words. */
  readonly wouldHaveReverted: readonly string[];
}

/** A decided release and the runs that judged it. */
export interface DecidedRelease {
  readonly rollout: Rollout;
  readonly verdict: "go" | "no-go";
  readonly revision: number;
  readonly runs: readonly AnalysisRun[];
  readonly decision: string;
}

/** Pure: the same objects give the same package, byte for byte. */
export function evidencePackage(
  release: DecidedRelease,
  attempt: number,
  decidedAt: string,
): EvidencePackage {
  const { rollout, verdict, revision, runs, decision } = release;
  const gates = runs.flatMap(gatesOf);
  const judgement = overallVerdict(runs.flatMap((run) => judgedMetrics(run)));
  return {
    format: evidenceFormat,
    release: {
      namespace: rollout.metadata.namespace ?? "default",
      rollout: rollout.metadata.name,
      revision,
      attempt,
      podTemplateHash: rollout.status?.currentPodHash ?? "",
      images: rollout.spec.template?.spec.containers.map(({ image }) => image) ?? [],
    },
    verdict,
    judgement,
    decidedAt,
    message: rollout.status?.message ?? "",
    gates,
    hashes: { gates: sha256(gates), judgement: sha256(judgement) },
    decision,
  };
}

const resultOf = (run: AnalysisRun, name: string): MetricResult | undefined =>
  run.status?.metricResults?.find((result) => result.name === name);

const judgedMetrics = (run: AnalysisRun) =>
  run.spec.metrics.map((metric) => judged(metric, resultOf(run, metric.name)));

function gatesOf(run: AnalysisRun): Gate[] {
  return run.spec.metrics.map((metric) => {
    const result = resultOf(run, metric.name);
    const one = judged(metric, result);
    return {
      analysisRun: run.metadata.name,
      metric: metric.name,
      phase: one.metric.phase,
      dryRun: one.metric.dryRun === true,
      verdict: overallVerdict([{ ...one, metric: { ...one.metric, dryRun: false } }]),
      asked: asked(run, metric, result),
      measurements: (result?.measurements ?? []).map(({ phase, value, message, startedAt, finishedAt }) => ({
        phase,
        ...(value === undefined ? {} : { value }),
        ...(message === undefined || message === "" ? {} : { message }),
        ...(startedAt === undefined ? {} : { startedAt }),
        ...(finishedAt === undefined ? {} : { finishedAt }),
      })),
      wouldHaveReverted: revertedBy(metric, one.limits),
    };
  });
}

/** The question as it went out: the query with its arguments filled in, as the measurement recorded it. */
function asked(run: AnalysisRun, metric: Metric, result: MetricResult | undefined): Gate["asked"] {
  const [provider = "none"] = Object.keys(metric.provider);
  const { address, query } = metric.provider.prometheus ?? {};
  const resolved = result?.metadata?.["ResolvedPrometheusQuery"] ?? (query && filledIn(run, query));
  const text = (name: "initialDelay" | "interval" | "count" | "successCondition" | "failureCondition") => {
    const value = metric[name];
    return value === undefined ? {} : { [name]: String(value) };
  };
  return {
    provider,
    ...(address === undefined ? {} : { address }),
    ...(resolved === undefined || resolved === "" ? {} : { query: resolved }),
    ...text("successCondition"),
    ...text("failureCondition"),
    ...text("initialDelay"),
    ...text("interval"),
    ...text("count"),
  };
}

/** `{{args.NAME}}` replaced by the run's arguments; secrets stay as they are named. */
function filledIn(run: AnalysisRun, query: string): string {
  return query.replace(/\{\{\s*args\.([^\s}]+)\s*\}\}/g, (whole, name: string) => {
    return run.spec.args?.find((arg) => arg.name === name)?.value ?? whole;
  });
}

/** Of the value as JSON with sorted keys, so that the hash does not depend on how an object was built. */
export function sha256(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

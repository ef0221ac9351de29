import type { CollectorConfig, Pipeline, Section } from "./collector-config.ts";
import { quote } from "./go-values.ts";

/**
 * The Collector's validation: the first problem with the whole, then every problem of the parts, each with its path,
 * one a line. Empty when all is well. Maps are walked in sorted order (the Collector's order is random).
 */
export function validate(config: CollectorConfig): string {
  const first = rootProblem(config);
  return [...(first === undefined ? [] : [first]), ...partProblems(config)].join("\n");
}

function rootProblem(config: CollectorConfig): string | undefined {
  const { receivers, processors, exporters, connectors, extensions } = config;
  const all = [receivers, processors, exporters, connectors, extensions];
  if (all.every((section) => section.size === 0)) return "empty configuration file";
  if (receivers.size === 0) return "no receiver configuration specified in config";
  if (exporters.size === 0) return "no exporter configuration specified in config";
  for (const id of sorted(connectors.keys())) {
    if (exporters.has(id)) return ambiguous(id, "exporter");
    if (receivers.has(id)) return ambiguous(id, "receiver");
  }
  const extension = config.service.extensions.find((id) => !extensions.has(id));
  if (extension !== undefined)
    return `service::extensions: references extension ${quote(extension)} which is not configured`;
  for (const pipeline of byId(config.service.pipelines)) {
    const problem = referenceProblem(config, pipeline);
    if (problem !== undefined) return `service::pipelines::${pipeline.id}: ${problem}`;
  }
  return undefined;
}

function ambiguous(id: string, kind: string): string {
  return (
    `connectors::${id}: ambiguous ID: Found both ${quote(id)} ${kind} and ${quote(id)} connector. ` +
    `Change one of the components' IDs to eliminate ambiguity (e.g. rename ${quote(id)} connector to ${quote(`${id}/connector`)})`
  );
}

function referenceProblem(config: CollectorConfig, pipeline: Pipeline): string | undefined {
  const { receivers, processors, exporters, connectors } = config;
  const missing = (ids: readonly string[], known: (id: string) => boolean) => ids.find((id) => !known(id));
  const checks = [
    ["receiver", missing(pipeline.receivers, (id) => receivers.has(id) || connectors.has(id))],
    ["processor", missing(pipeline.processors, (id) => processors.has(id))],
    ["exporter", missing(pipeline.exporters, (id) => exporters.has(id) || connectors.has(id))],
  ] as const;
  for (const [kind, id] of checks) {
    if (id !== undefined) return `references ${kind} ${quote(id)} which is not configured`;
  }
  return undefined;
}

/** A problem that begins with `::` names a part of the component. */
const WALK: readonly Section[] = ["receivers", "exporters", "processors", "connectors", "extensions"];

function partProblems(config: CollectorConfig): string[] {
  const problems: string[] = [];
  for (const section of WALK) {
    for (const id of sorted(config[section].keys())) {
      for (const problem of config[section].get(id)?.problems ?? [])
        problems.push(`${section}::${id}${problem.startsWith("::") ? problem : `: ${problem}`}`);
    }
  }
  problems.push(...telemetryProblems(config));
  if (config.service.pipelines.length === 0) {
    problems.push("service::pipelines: service must have at least one pipeline");
  }
  for (const pipeline of byId(config.service.pipelines)) {
    for (const problem of pipelineProblems(pipeline))
      problems.push(`service::pipelines::${pipeline.id}: ${problem}`);
  }
  return problems;
}

function telemetryProblems({ service }: CollectorConfig): string[] {
  const problems: string[] = [];
  const { encoding } = service.telemetry.logs;
  if (encoding !== "console" && encoding !== "json") {
    problems.push(`service::telemetry::logs::encoding: no encoder registered for name ${quote(encoding)}`);
  }
  if (service.telemetry.metrics.readers.length > 1) {
    problems.push(
      "service::telemetry::metrics::readers: more than one reader is not supported by this collector",
    );
  }
  const metrics = service.telemetry.metrics.level.toLowerCase();
  if (!["none", "basic", "normal", "detailed"].includes(metrics)) {
    problems.push(`service::telemetry::metrics::level: unknown metrics level ${quote(metrics)}`);
  }
  return problems;
}

function pipelineProblems(pipeline: Pipeline): string[] {
  if (pipeline.receivers.length === 0) return ["must have at least one receiver"];
  if (pipeline.exporters.length === 0) return ["must have at least one exporter"];
  const twice = pipeline.processors.find((id, i) => pipeline.processors.indexOf(id) !== i);
  return twice === undefined ? [] : [`references processor ${quote(twice)} multiple times`];
}

function byId(pipelines: readonly Pipeline[]): readonly Pipeline[] {
  return pipelines.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function sorted(ids: Iterable<string>): string[] {
  return [...ids].sort();
}

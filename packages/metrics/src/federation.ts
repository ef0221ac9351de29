import { type Labels, METRIC_NAME } from "@tracegate/contracts";
import { formatFloat, instantQuery } from "@tracegate/promql";
import type { Tsdb } from "@tracegate/tsdb";
import { matchersOf } from "./series-api.ts";

/** The newest sample of each matching series within the lookback, in the text format, sorted by name. */
export function federate(params: URLSearchParams, tsdb: Tsdb, now: number): string {
  matchersOf(params); // refuses what is no selector, in the usual words
  const lines = new Map<string, string>();
  const seen = new Set<string>();
  for (const selector of params.getAll("match[]")) {
    const { value } = instantQuery(tsdb, selector, now);
    const times = instantQuery(tsdb, `timestamp(${selector})`, now).value;
    if (value.type !== "vector" || times.type !== "vector") continue;
    const timeOf = new Map(times.samples.map((sample) => [sample.labels.key, sample.value]));
    for (const { labels, value: current } of value.samples) {
      if (seen.has(labels.key)) continue;
      seen.add(labels.key);
      const seconds = timeOf.get(labels.without(METRIC_NAME).key) ?? now / 1000;
      const line = `${exposed(labels)} ${formatFloat(current)} ${Math.round(seconds * 1000)}\n`;
      lines.set(`${labels.name}\uffff${labels.key}`, line);
    }
  }
  let text = "";
  let family = "";
  for (const [key, line] of [...lines].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = key.slice(0, key.indexOf("\uffff"));
    if (name !== family) text += `# TYPE ${name} untyped\n`;
    family = name;
    text += line;
  }
  return text;
}

function exposed(labels: Labels): string {
  const withInstance = labels.has("instance") ? [] : ['instance=""'];
  const pairs = [...labels.entries()]
    .filter(([name]) => name !== METRIC_NAME)
    .map(
      ([name, value]) =>
        `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`,
    );
  return `${labels.name}{${[...pairs, ...withInstance].join(",")}}`;
}

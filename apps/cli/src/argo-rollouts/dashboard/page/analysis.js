// An AnalysisRun: each metric's condition and query, and what was measured.

import { age, element, state, svg } from "./dom.js";

/** `open` remembers which runs a person has opened or closed. */
export function analysisRun(run, open) {
  const { spec = {}, status = {} } = run.specAndStatus ?? {};
  const { name, creationTimestamp } = run.objectMeta;
  const good = run.status === "Successful";
  const made = element(
    "details",
    { class: "run", open: open.get(name) ?? !good },
    element(
      "summary",
      {},
      element("span", { class: "name" }, `Analysis ${name} `),
      state(run.icon, run.status, true),
      element("span", { class: "dim" }, " ", tally(run), ", ", age(creationTimestamp)),
    ),
    status.message ? element("p", { class: good ? "dim" : "problem" }, status.message) : undefined,
    (spec.metrics ?? []).map((metric) =>
      metricPart(
        metric,
        (status.metricResults ?? []).find((result) => result.name === metric.name),
        spec,
      ),
    ),
  );
  made.ontoggle = () => open.set(name, made.open);
  return made;
}

function tally(run) {
  const words = [
    [run.successful, "successful"],
    [run.failed, "failed"],
    [run.inconclusive, "inconclusive"],
    [run.error, "in error"],
  ];
  const counted = words.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return counted.length === 0 ? "nothing measured yet" : counted.join(", ");
}

function metricPart(metric, result, spec) {
  const { measurements = [], phase, message, metadata = {} } = result ?? {};
  const line = (title, value) =>
    value === undefined || value === ""
      ? []
      : [element("dt", {}, title), element("dd", {}, element("code", {}, String(value)))];
  const provider = Object.keys(metric.provider ?? {})[0] ?? "";
  const query =
    metadata.ResolvedPrometheusQuery ??
    metric.provider?.[provider]?.query ??
    metric.provider?.[provider]?.url;
  const dry = (spec.dryRun ?? []).some(({ metricName }) => metricName === metric.name);
  return element(
    "div",
    { class: "metric" },
    element(
      "h4",
      {},
      `${metric.name} `,
      phase === undefined ? element("span", { class: "dim" }, "not measured yet") : state("", phase, true),
      dry ? element("span", { class: "role" }, "dry run") : undefined,
    ),
    message ? element("p", { class: phase === "Successful" ? "dim" : "problem" }, message) : undefined,
    element(
      "dl",
      {},
      line("Succeeds when", metric.successCondition),
      line("Fails when", metric.failureCondition),
      line(
        "Measured",
        [
          metric.count === undefined ? "" : `${metric.count}×`,
          metric.interval ? `every ${metric.interval}` : "",
        ]
          .filter(Boolean)
          .join(" "),
      ),
      line("Failures allowed", metric.failureLimit),
      line(provider === "prometheus" ? "Query" : provider === "" ? "Query" : `Query (${provider})`, query),
    ),
    chart(measurements),
    measurements.length === 0 ? undefined : measurementTable(measurements),
  );
}

function measurementTable(measurements) {
  return element(
    "table",
    { class: "measurements" },
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ["Time", "Value", "Phase", ""].map((title) => element("th", { scope: "col" }, title)),
      ),
    ),
    element(
      "tbody",
      {},
      measurements.map(({ startedAt, value, phase, message }) =>
        element(
          "tr",
          {},
          element(
            "td",
            { title: startedAt },
            startedAt === undefined ? "–" : new Date(startedAt).toLocaleTimeString(),
          ),
          element("td", { class: "number" }, element("code", {}, value ?? "–")),
          element("td", {}, state("", phase, true)),
          element("td", { class: "dim" }, message ?? ""),
        ),
      ),
    ),
  );
}

/** Values one after the other, where at least two of them are numbers. */
function chart(measurements) {
  const points = measurements
    .map(({ value, phase }) => ({ value: numberIn(value), phase }))
    .filter(({ value }) => Number.isFinite(value));
  if (points.length < 2) return undefined;
  const values = points.map(({ value }) => value);
  const [least, most] = [Math.min(...values, 0), Math.max(...values)];
  const x = (index) => 6 + (index * 288) / (points.length - 1);
  const y = (value) => (most === least ? 25 : 44 - ((value - least) * 38) / (most - least));
  return svg(
    "svg",
    {
      class: "chart",
      viewBox: "0 0 300 50",
      preserveAspectRatio: "xMinYMid meet",
      role: "img",
      "aria-label": `measured: ${values.join(", ")}`,
    },
    svg("polyline", { points: points.map(({ value }, index) => `${x(index)},${y(value)}`).join(" ") }),
    ...points.map(({ value, phase }, index) =>
      svg("circle", { cx: x(index), cy: y(value), r: 3, class: phase === "Successful" ? "good" : "bad" }),
    ),
  );
}

/** The number in a value: Prometheus' come as lists. */
function numberIn(value = "") {
  const [number] = /-?\d+(\.\d+)?(e[+-]?\d+)?/i.exec(value) ?? [];
  return number === undefined ? Number.NaN : Number(number);
}

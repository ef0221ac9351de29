import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Labels } from "@tracegate/contracts";
import fc from "fast-check";
import {
  type ExpositionFormat,
  openMetricsFloat,
  parseExposition,
  parseFloatBytes,
  parseSeries,
} from "./exposition.ts";

interface Line {
  readonly labels: Labels;
  readonly value: number;
  readonly time?: number;
}

function read(text: string, format: ExpositionFormat = "text"): { lines: Line[]; metadata: string[] } {
  const body = Buffer.from(text);
  const lines: Line[] = [];
  const metadata: string[] = [];
  parseExposition(body, format, {
    sample(start, end, value, time) {
      const labels = parseSeries(body.toString("utf8", start, end), () => undefined);
      if (typeof labels === "string") throw new Error(labels);
      lines.push({ labels, value, ...(Number.isNaN(time) ? {} : { time }) });
    },
    metadata: (metric, field, text) => metadata.push(`${metric} ${field} ${text}`),
  });
  return { lines, metadata };
}

test("what is printed in the text format is read back", () => {
  const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,8}$/);
  const label = fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/);
  const text = fc.string({
    unit: fc.constantFrom("a", " ", "\\", '"', "\n", "}", "{", ",", "=", "#", "é", "😀"),
    minLength: 1,
  });
  const value = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 0.1, 1e-7),
  );
  const line = fc.record({
    name,
    labels: fc.dictionary(label, text, { maxKeys: 3 }),
    value,
    time: fc.option(fc.integer({ min: -1e12, max: 4e12 }), { nil: undefined }),
  });
  const escaped = (value: string) =>
    value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const printed = (value: number) =>
    Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), fc.boolean(), (lines, spaced) => {
      const body = lines.map(({ name, labels, value, time }) => {
        const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
        const braces =
          pairs.length === 0 ? "" : spaced ? ` { ${pairs.join(" , ")} , }` : `{${pairs.join(",")}}`;
        return `${name}${braces} ${printed(value)}${time === undefined ? "" : `\t${time}`}\n`;
      });
      const expected = lines.map(({ name, labels, value, time }) => ({
        labels: Labels.from({ ...labels, __name__: name }).key,
        value,
        time,
      }));
      const got = read(body.join("")).lines.map(({ labels, value, time }) => ({
        labels: labels.key,
        value,
        time,
      }));
      assert.deepEqual(
        got,
        expected.map((line) => ({
          ...line,
          value: line.value === 0 && Object.is(line.value, -0) ? 0 : line.value,
        })),
      );
    }),
  );
});

test("numbers are read exactly, however they are written", () => {
  const check = (text: string, expected: number) => {
    const bytes = Buffer.from(text);
    assert.ok(Object.is(parseFloatBytes(bytes, 0, bytes.length), expected), text);
  };
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) =>
      check(String(value), Number(String(value))),
    ),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 0, max: 999_999 }), (whole, part) =>
      check(`${whole}.${part}`, Number(`${whole}.${part}`)),
    ),
  );
  check("-0", -0);
  check("+Inf", Number.POSITIVE_INFINITY);
  for (const text of ["", "-", ".", "0x10", "1_0", "1e", "abc", "--1"]) {
    assert.equal(parseFloatBytes(Buffer.from(text), 0, text.length), undefined, text);
  }
});

test("types, help and units are taken from the comments", () => {
  const { metadata, lines } = read(
    "# HELP m A \\\\ line\\nmore\n# TYPE m counter\n# nothing of note\n\n  m 1  \n# TYPE u untyped\n",
  );
  assert.deepEqual(metadata, ["m help A \\ line\nmore", "m type counter", "u type unknown"]);
  assert.equal(lines.length, 1);
});

test("OpenMetrics ends in # EOF, counts time in seconds, and its exemplars are passed over", () => {
  const body =
    '# TYPE m counter\n# UNIT m seconds\nm_total{a="}#"} 3 1.5 # {trace_id="x"} 0.5 1.2\nm_total 4\n# EOF\n';
  const { lines, metadata } = read(body, "openmetrics");
  assert.deepEqual(
    lines.map(({ value, time }) => [value, time]),
    [
      [3, 1500],
      [4, undefined],
    ],
  );
  assert.ok(metadata.includes("m unit seconds"));
  assert.throws(() => read("m 1\n", "openmetrics"), /data does not end with # EOF/);
  assert.throws(() => read("# EOF\nm 1\n", "openmetrics"), /data after # EOF/);
});

test("a fault names its line", () => {
  assert.throws(() => read("a 1\nb one\n"), { message: 'line 2: expected a value, got "one"' });
  assert.throws(() => read('a{x="1\n'), { message: "line 1: the label braces are not closed" });
  assert.throws(() => read("a 1 now\n"), { message: 'line 1: expected a timestamp, got "now"' });
  assert.throws(() => read("a 1"), { message: "line 1: the last line does not end in a newline" });
  assert.throws(() => read("a 1 2 3\n"), /unexpected text after the timestamp/);
  assert.throws(() => read('a{x="1",x="2"} 1\n'), /a label is given twice/);
  assert.throws(() => read("{} 1\n"), /has no metric name/);
  assert.throws(() => read("a{x} 1\n"), /malformed labels|has no value/);
});

test("names outside the plain set come in quotes", () => {
  assert.equal(read('{"my.metric","label.x"="v"} 1\n').lines[0]?.labels.get("label.x"), "v");
});

test("bounds of buckets and quantiles are spelled one way", () => {
  const typeOf = (metric: string) =>
    metric === "h" ? ("histogram" as const) : metric === "s" ? ("summary" as const) : undefined;
  const label = (text: string, name: string) => {
    const labels = parseSeries(text, typeOf);
    return typeof labels === "string" ? labels : labels.get(name);
  };
  assert.equal(label('h_bucket{le="1"}', "le"), "1.0");
  assert.equal(label('h_bucket{le="+Inf"}', "le"), "+Inf");
  assert.equal(label('s{quantile="0.5"}', "quantile"), "0.5");
  assert.equal(label('other{le="1"}', "le"), "1");
  assert.deepEqual([1, 0.1, 1e-5, 100, 1e21].map(openMetricsFloat), [
    "1.0",
    "0.1",
    "1e-05",
    "100.0",
    "1e+21",
  ]);
});

test("a recorded body of a collector is read to its last line", () => {
  const body = readFileSync(
    new URL("../../../tests/recordings/hotrod/spanmetrics.txt", import.meta.url),
    "utf8",
  );
  const { lines } = read(body);
  const samples = body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.equal(lines.length, samples.length);
  assert.ok(lines.some(({ labels }) => labels.name === "traces_span_metrics_duration_milliseconds_bucket"));
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keptSurroundings, ManualClock } from "../../testing/index.ts";
import { Collector, checkConfig, readConfig } from "../collector.ts";
import { components } from "../components.ts";
import type { SourceAccess } from "./sources.ts";

const access = (files: Readonly<Record<string, string>>): SourceAccess => ({
  env: { SET: "value", PORT: "4317", EMPTY: "" },
  readFile: (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error("missing"), { code: "ENOENT" });
    return text;
  },
  warn: () => undefined,
});

/** What a run with this configuration would say, or nothing. */
function complaint(text: string): string {
  const surroundings = keptSurroundings(new ManualClock());
  try {
    const config = readConfig(["c.yaml"], [], access({ "c.yaml": text }), components);
    new Collector(config, components, surroundings);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const OTLP = "receivers: {otlp: {protocols: {http: }}}\n";
const NOP = "exporters: {nop: }\n";
const PIPE = "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n";

describe("what is wrong with a configuration is said in the Collector's words", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [
      "nothing at all",
      "service:\n",
      "invalid configuration: empty configuration file\nservice::pipelines: service must have at least one pipeline",
    ],
    [
      "no receivers",
      `receivers:\n${NOP}service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}`,
      "invalid configuration: no receiver configuration specified in config",
    ],
    [
      "no exporters",
      `${OTLP}${PIPE}`,
      "invalid configuration: no exporter configuration specified in config",
    ],
    [
      "a key with a slip",
      `recievers: {otlp: }\n${NOP}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n'' has invalid keys: recievers",
    ],
    [
      "a slip inside a component",
      `receivers: {otlp: {protocols: {htttp: }}}\n${NOP}${PIPE}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n" +
        "'receivers' error reading configuration for \"otlp\": decoding failed due to the following error(s):\n\n" +
        "'protocols' has invalid keys: htttp",
    ],
    [
      "an unknown type",
      `receivers: {zipkin/a: }\n${NOP}${PIPE}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n" +
        '\'receivers\' unknown type: "zipkin" for id: "zipkin/a" (valid values: [otlp])',
    ],
    [
      "the old logging exporter",
      `${OTLP}exporters: {logging: }\n${PIPE}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n" +
        "'exporters' the logging exporter has been deprecated, use the debug exporter instead",
    ],
    [
      "a number where text belongs",
      `${OTLP}exporters: {otlp: {endpoint: 5}}\n${PIPE}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n" +
        "'exporters' error reading configuration for \"otlp\": decoding failed due to the following error(s):\n\n" +
        "'endpoint' expected type 'string', got unconvertible type 'int'",
    ],
    [
      "a setting that we lack",
      `${OTLP}exporters: {otlp: {endpoint: "a:1", tls: {ca_file: x}}}\n${PIPE}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n" +
        "'exporters' error reading configuration for \"otlp\": decoding failed due to the following error(s):\n\n" +
        "'tls.ca_file' is not supported by this collector; remove it",
    ],
    [
      "a pipeline that is text",
      `${OTLP}${NOP}service: {pipelines: {traces: x}}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n" +
        "'service.pipelines[traces]' expected a map or struct, got \"string\"",
    ],
    [
      "a receiver without protocols",
      `receivers: {otlp: }\n${NOP}${PIPE}`,
      "invalid configuration: receivers::otlp: must specify at least one protocol when using the OTLP receiver",
    ],
    [
      "a reference to nothing",
      `${OTLP}${NOP}service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [nop]}}}`,
      'invalid configuration: service::pipelines::traces: references processor "batch" which is not configured',
    ],
    [
      "an extension that is not there",
      `${OTLP}${NOP}service: {extensions: [health_check], pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}`,
      'invalid configuration: service::extensions: references extension "health_check" which is not configured',
    ],
    [
      "an exporter without an address",
      `${OTLP}exporters: {otlp/x: }\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [otlp/x]}}}`,
      'invalid configuration: exporters::otlp/x: requires a non-empty "endpoint"',
    ],
    [
      "a duration that is none",
      `${OTLP}${NOP}processors: {batch: {timeout: soon}}\n${PIPE}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n" +
        "'processors' error reading configuration for \"batch\": decoding failed due to the following error(s):\n\n" +
        "'timeout' time: invalid duration",
    ],
    [
      "a unit that is none",
      `${OTLP}${NOP}connectors: {spanmetrics: {histogram: {unit: h}}}\n${PIPE}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n" +
        "'connectors' error reading configuration for \"spanmetrics\": decoding failed due to the following error(s):\n\n" +
        '\'histogram.unit\' unknown Unit "h", allowed units are "ms" and "s"',
    ],
    [
      "a pipeline of no known signal",
      `${OTLP}${NOP}service: {pipelines: {foo: {receivers: [otlp], exporters: [nop]}}}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n" +
        '\'service.pipelines\' in "foo" id: unknown pipeline signal: "foo"',
    ],
    [
      "a message size that is none",
      `receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: -1}}}}\n${NOP}${PIPE}`,
      "invalid configuration: receivers::otlp::protocols::grpc: invalid max_recv_msg_size_mib value, must be between 1 and 8796093022207: -1",
    ],
    [
      "a Prometheus exporter without an address",
      `${OTLP}exporters: {prometheus: }\nservice: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}}`,
      'failed to build pipelines: failed to create "prometheus" exporter for data type "metrics": expecting a non-blank address to run the Prometheus metrics handler',
    ],
    [
      "a connector that leads nowhere",
      `${OTLP}${NOP}connectors: {spanmetrics: }\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [spanmetrics]}}}`,
      'failed to build pipelines: connector "spanmetrics" used as exporter in [traces] pipeline but not used in any supported receiver pipeline',
    ],
    [
      "a connector that nobody feeds",
      `${OTLP}${NOP}connectors: {spanmetrics: }\nservice: {pipelines: {metrics: {receivers: [spanmetrics], exporters: [nop]}}}`,
      'failed to build pipelines: connector "spanmetrics" used as receiver in [metrics] pipeline but not used in any supported exporter pipeline',
    ],
    [
      "a circle",
      `${OTLP}${NOP}processors: {batch: }\nconnectors: {forward: }\nservice: {pipelines: {traces/1: {receivers: [otlp, forward], processors: [batch], exporters: [forward]}}}`,
      'failed to build pipelines: cycle detected: connector "forward" (traces to traces) -> processor "batch" in pipeline "traces/1" -> connector "forward" (traces to traces)',
    ],
    [
      "one id for two things",
      `${OTLP}exporters: {nop: }\nconnectors: {nop: }\n${PIPE}`,
      "failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n" +
        '\'connectors\' unknown type: "nop" for id: "nop" (valid values: [forward spanmetrics])',
    ],
    [
      "a signal that a component cannot take",
      `${OTLP}exporters: {prometheus: {endpoint: "0.0.0.0:8889"}}\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [prometheus]}}}`,
      'failed to build pipelines: failed to create "prometheus" exporter for data type "traces": telemetry type is not supported',
    ],
    [
      "a dimension given twice",
      `${OTLP}${NOP}connectors: {spanmetrics: {dimensions: [{name: span.kind}]}}\n${PIPE}`,
      "invalid configuration: connectors::spanmetrics: failed validating dimensions: duplicate dimension name span.kind",
    ],
  ];
  for (const [name, text, expected] of cases) test(name, () => assert.equal(complaint(text), expected));

  test("and a good one gets no complaint", () => assert.equal(complaint(OTLP + NOP + PIPE), ""));
});

test("validate says what running would say, without the prefix", () => {
  const config = readConfig(["c.yaml"], [], access({ "c.yaml": NOP }), components);
  const surroundings = keptSurroundings(new ManualClock());
  assert.equal(
    checkConfig(config, components, surroundings).split("\n")[0],
    "no receiver configuration specified in config",
  );
});

describe("sources", () => {
  const read = (
    uris: readonly string[],
    files: Readonly<Record<string, string>>,
    sets: readonly string[] = [],
  ) => readConfig(uris, sets, access(files), components);

  test("later sources win over earlier ones, --set over all", () => {
    const files = { "a.yaml": OTLP + NOP + PIPE, "b.yaml": "exporters: {debug: {verbosity: basic}}" };
    const config = read(["a.yaml", "b.yaml", "yaml:exporters::debug::sampling_initial: 7"], files, [
      "exporters.debug.verbosity=detailed",
    ]);
    assert.deepEqual([...config.exporters.keys()], ["nop", "debug"]);
    const debug = config.exporters.get("debug")?.config as Record<string, unknown>;
    assert.deepEqual([debug["verbosity"], debug["sampling_initial"]], ["detailed", 7]);
  });

  test("a variable fills a text field with its very text, and a number field with its number", () => {
    const config = read(["a.yaml"], {
      "a.yaml": `receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:\${env:PORT}"}}}}\nexporters: {otlp: {endpoint: "\${SET}:1", sending_queue: {queue_size: "\${env:PORT}"}, headers: {a: "\${PORT}", b: "$\${SET}", c: "\${env:NONE:-x}", d: "\${env:EMPTY:-x}"}}}\n${PIPE}`,
    });
    const receiver = config.receivers.get("otlp")?.config as { protocols: { grpc: { endpoint: string } } };
    const exporter = config.exporters.get("otlp")?.config as Record<string, unknown>;
    assert.equal(receiver.protocols.grpc.endpoint, "0.0.0.0:4317");
    assert.equal(exporter["endpoint"], "value:1");
    assert.deepEqual(exporter["headers"], { a: "4317", b: `$${"{SET}"}`, c: "x", d: "" });
    assert.equal((exporter["sending_queue"] as { queue_size: number }).queue_size, 4317);
  });

  const failures: readonly (readonly [string, readonly string[], string])[] = [
    ["no source", [], "at least one config flag must be provided"],
    [
      "a missing file",
      ["b.yaml"],
      "cannot retrieve the configuration: unable to read the file file:b.yaml: open b.yaml: no such file or directory",
    ],
    [
      "an unknown scheme",
      ["s3://x"],
      'cannot retrieve the configuration: scheme "s3" is not supported for uri "s3://x"',
    ],
  ];
  for (const [name, uris, expected] of failures) {
    test(`${name} is refused`, () => {
      const message = `failed to get config: cannot resolve the configuration: ${expected}`;
      assert.throws(() => read(uris, {}), { message });
    });
  }
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseArguments } from "./arguments.ts";

const directory = mkdtempSync(join(tmpdir(), "otelcol-"));
after(() => rmSync(directory, { recursive: true }));

function configFile(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the image as the kubelet does, and ends it with SIGTERM once `until` was logged. */
function otelcol(args: readonly string[], until?: string): Promise<Ended> {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args]);
  const ended = { stdout: "", stderr: "" };
  let isAsked = false;
  child.stdout.on("data", (data) => {
    ended.stdout += data;
  });
  child.stderr.on("data", (data) => {
    ended.stderr += data;
    if (isAsked || until === undefined || !ended.stderr.includes(until)) return;
    // Once: a second one may come when the process no longer handles any.
    isAsked = true;
    child.kill("SIGTERM");
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, ...ended })));
}

const GOOD = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}
`;

describe("otelcol", () => {
  test("runs until SIGTERM, and stops orderly with exit code 0", async () => {
    const { code, stderr } = await otelcol(
      [`--config=${configFile("good.yaml", GOOD)}`],
      "Everything is ready.",
    );
    assert.equal(code, 0, stderr);
    assert.match(stderr, /\tinfo\t\S+\tReceived signal from OS\t.*"signal": "terminated"/);
    assert.match(stderr, /\tinfo\t\S+\tShutdown complete\.\t/);
  });

  test("starts anew on SIGHUP, with the configuration as it is by then", async () => {
    const path = configFile("changing.yaml", GOOD);
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const child = spawn(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      main,
      `--config=${path}`,
    ]);
    let stderr = "";
    let hungUp = false;
    child.stderr.on("data", (data) => {
      stderr += data;
      if (hungUp || !stderr.includes("Everything is ready.")) return;
      hungUp = true;
      writeFileSync(path, GOOD.replace(/receivers: \{otlp.*/, "receivers:"));
      child.kill("SIGHUP");
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(code, 1);
    assert.match(stderr, /"signal": "hangup"/);
    assert.match(
      stderr,
      /Error: failed to setup configuration components: invalid configuration: no receiver/,
    );
  });

  test("ends with exit code 1 and the reason when its configuration is wrong", async () => {
    const path = configFile("bad.yaml", GOOD.replace(/receivers: \{otlp.*/, "receivers:"));
    const { code, stderr } = await otelcol([`--config=${path}`]);
    const reason = "invalid configuration: no receiver configuration specified in config";
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(`^Error: ${reason}\n.* collector server run finished with error: ${reason}\n$`),
    );
  });

  test("validates in silence", async () => {
    assert.deepEqual(await otelcol(["validate", `--config=${configFile("good2.yaml", GOOD)}`]), {
      code: 0,
      stdout: "",
      stderr: "",
    });
  });

  test("says its version and its components", async () => {
    assert.equal((await otelcol(["--version"])).stdout, "otelcol-contrib version 0.142.0\n");
    assert.match(
      (await otelcol(["components"])).stdout,
      /connectors:\n {4}- name: forward\n {4}- name: spanmetrics\n/,
    );
  });
});

test("arguments come in the forms that otelcol takes", () => {
  assert.deepEqual(parseArguments(["--config", "a", "--config=b", "--set=x.y=1"]), {
    command: "run",
    configs: ["a", "b"],
    sets: ["x.y=1"],
  });
  const refused: readonly (readonly [string[], string])[] = [
    [["--dry-run"], "unknown flag: --dry-run"],
    [["--config"], "flag needs an argument: --config"],
    [["frobnicate"], 'unknown command "frobnicate" for "otelcol-contrib"'],
    [["--feature-gates=+a.b"], 'feature gate "+a.b" is not supported by this collector'],
  ];
  for (const [args, message] of refused) assert.throws(() => parseArguments(args), { message });
});

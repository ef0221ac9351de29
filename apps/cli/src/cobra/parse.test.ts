import assert from "node:assert/strict";
import { test } from "node:test";
import { type CobraProgram, cobraCommand } from "./command.ts";
import { goDuration, parseDuration } from "./duration.ts";
import { helpText } from "./help.ts";
import { parseLine } from "./parse.ts";

const greet = cobraCommand<undefined, { loud: { type: "bool"; short: "l"; default: true; help: string } }>({
  path: "people greet",
  aliases: ["hello"],
  use: "NAME",
  summary: "Greet",
  examples: ["tool people greet Ada"],
  args: [1, 1],
  flags: { loud: { type: "bool", short: "l", default: true, help: "shout" } },
  run: async () => 0,
});
const program: CobraProgram<undefined> = {
  name: "tool",
  summary: "A tool",
  globals: {
    namespace: { type: "string", short: "n", help: "namespace" },
    wait: { type: "duration", short: "w", help: "how long" },
    label: { type: "strings", help: "labels" },
    count: { type: "number", help: "how many" },
  },
  commands: [greet],
};
const parse = (...argv: string[]) => parseLine(program, argv);
const flagsOf = (...argv: string[]) => {
  const parsed = parse("people", "greet", "Ada", ...argv);
  return parsed.kind === "run" ? parsed.flags : parsed;
};

test("flags may stand anywhere, before the command too", () => {
  for (const argv of [
    ["-n", "a", "people", "greet", "Ada"],
    ["people", "-na", "greet", "Ada"],
    ["people", "hello", "Ada", "--namespace=a"],
  ]) {
    const parsed = parse(...argv);
    assert.ok(parsed.kind === "run", JSON.stringify(parsed));
    assert.deepEqual([parsed.args, parsed.flags["namespace"]], [["Ada"], "a"]);
  }
});

test("flags have types and defaults", () => {
  const values = flagsOf("--loud=false", "-w", "1m30s", "--label", "a,b", "--label=c", "--count=-3");
  assert.deepEqual(values, {
    namespace: "",
    wait: 90_000,
    label: ["a", "b", "c"],
    count: -3,
    loud: false,
    help: false,
  });
  assert.deepEqual(flagsOf("-ln", "x"), {
    namespace: "x",
    wait: 0,
    label: [],
    count: 0,
    loud: true,
    help: false,
  });
});

test("mistakes are told in cobra's words", () => {
  const mistakes: [string[], string][] = [
    [["people", "greet", "Ada", "--nope"], "unknown flag: --nope"],
    [["people", "greet", "Ada", "-x"], "unknown shorthand flag: 'x' in -x"],
    [["people", "greet", "Ada", "-n"], "flag needs an argument: 'n' in -n"],
    [["people", "greet", "Ada", "--count"], "flag needs an argument: --count"],
    [["people", "nope"], 'unknown command "nope" for "tool people"'],
    [["nope"], 'unknown command "nope" for "tool"'],
    [
      ["people", "greet", "Ada", "--count=x"],
      'invalid argument "x" for "--count" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ],
  ];
  for (const [argv, message] of mistakes) {
    const parsed = parse(...argv);
    assert.equal(parsed.kind === "mistake" ? parsed.message : parsed.kind, message);
  }
});

test("help is asked for by a flag, a word, or an unfinished command", () => {
  for (const argv of [["people", "greet", "--help"], ["help", "people", "greet"], ["people"], [], ["-h"]]) {
    const parsed = parse(...argv);
    assert.ok(parsed.kind === "help", JSON.stringify(parsed));
    assert.match(helpText(program, parsed.path, parsed.command), /^Usage:$/m);
  }
  assert.equal(parse("people", "greet").kind, "arguments");
});

test("durations are read and printed as Go does", () => {
  assert.equal(parseDuration("1h2m3.5s"), 3_723_500);
  assert.equal(parseDuration("10"), undefined);
  assert.deepEqual([0, 90_000, 3_600_000].map(goDuration), ["0s", "1m30s", "1h0m0s"]);
});

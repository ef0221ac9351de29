import assert from "node:assert/strict";
import { test } from "node:test";
import { type CobraProgram, cobraCommand } from "./command.ts";
import { goDuration, parseDuration } from "./duration.ts";
import { helpText, usageText } from "./help.ts";
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

test("a list in several flags may hold commas", () => {
  const groups = { ...program, globals: { group: { type: "stringArray", help: "groups" } } } as const;
  const parsed = parseLine(groups, ["people", "greet", "Ada", "--group", "a,b", "--group=c"]);
  assert.deepEqual(parsed.kind === "run" && parsed.flags["group"], ["a,b", "c"]);
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

test("a described group is none by itself, and a word that is none of the program's is answered by near ones", () => {
  const described: CobraProgram<undefined> = {
    ...program,
    groups: [
      { path: "", use: "COMMAND", summary: "A tool", examples: [] },
      { path: "people", use: "COMMAND NAME", summary: "People", examples: ["tool people greet Ada"] },
    ],
  };
  for (const [argv, path, asked] of [
    [["people"], "people", false],
    [["people", "nope"], "people", false],
    [["people", "--help"], "people", true],
    [["help", "people"], "people", true],
    [[], "", false],
    [["help"], "", true],
  ] as const) {
    assert.deepEqual(parseLine(described, argv), { kind: "help", path, asked });
  }
  assert.deepEqual(parseLine(described, ["peopel"]), {
    kind: "mistake",
    message: 'unknown command "peopel" for "tool"\n\nDid you mean this?\n\tpeople\n',
    path: "",
    unknownCommand: true,
  });
  assert.equal(parseLine(described, ["people", "-x"]).kind, "mistake");
  assert.equal(parseLine(described, ["help", "nope"]).kind, "mistake");
  assert.equal(
    usageText(described, "people"),
    `Usage:
  tool people COMMAND NAME [flags]
  tool people [command]

Examples:
  tool people greet Ada

Available Commands:
  greet       Greet

Flags:
  -h, --help   help for people

Global Flags:
      --count int          how many
      --label strings      labels
  -n, --namespace string   namespace
  -w, --wait duration      how long

Use "tool people [command] --help" for more information about a command.
`,
  );
});

test("help of a command shows its aliases and defaults, and not what is deprecated", () => {
  const old = cobraCommand<undefined, { old: { type: "bool"; help: string; deprecated: string } }>({
    path: "old",
    summary: "Old",
    examples: ["tool old"],
    flags: { old: { type: "bool", help: "no more", deprecated: "leave it out" } },
    run: async () => 0,
  });
  const text = helpText(program, greet.path, greet);
  assert.match(
    text,
    /^Greet\n\nUsage:\n {2}tool people greet NAME \[flags\]\n\nAliases:\n {2}greet, hello\n/,
  );
  assert.match(text, /\n {2}-h, --help {3}help for greet\n {2}-l, --loud {3}shout \(default true\)\n/);
  assert.doesNotMatch(helpText(program, old.path, old), /--old/);
});

test("durations are read and printed as Go does", () => {
  assert.equal(parseDuration("1h2m3.5s"), 3_723_500);
  assert.equal(parseDuration("10"), undefined);
  assert.deepEqual([0, 90_000, 3_600_000].map(goDuration), ["0s", "1m30s", "1h0m0s"]);
});

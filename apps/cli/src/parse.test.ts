import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError } from "@tracegate/contracts";
import { StatusError } from "@tracegate/kube";
import { capturedIo } from "../testing/captured-io.ts";
import { type Command, command, common, type ExitCode } from "./command.ts";
import { commands } from "./commands/index.ts";
import { runCli } from "./parse.ts";

const greet = command({
  path: "people greet",
  summary: "Greet somebody",
  examples: ["tracegate people greet Ada"],
  positionals: [{ name: "who", help: "a name" }],
  options: { output: common.output, loud: { flags: "--loud", help: "shout" } },
  async run({ who, loud, output }, io) {
    io.out(`${loud ? who.toUpperCase() : who} ${output ?? "text"}\n`);
    return 0;
  },
});

async function run(
  commands: readonly Command[],
  ...argv: string[]
): Promise<{ code: ExitCode; out: string; err: string }> {
  const io = capturedIo();
  return { code: await runCli(argv, commands, io), ...io.written };
}

const failing = (error: unknown) =>
  command({ path: "fail", summary: "", examples: ["x"], run: () => Promise.reject(error) });

test("positionals and options arrive by name", async () => {
  assert.deepEqual(await run([greet], "people", "greet", "Ada", "--loud", "-o", "json"), {
    code: 0,
    out: "ADA json\n",
    err: "",
  });
});

test("help shows the summary and an example and exits 0", async () => {
  const { code, out } = await run([greet], "people", "greet", "--help");
  assert.equal(code, 0);
  assert.match(out, /Greet somebody[\s\S]*Examples:\n {2}\$ tracegate people greet Ada/);
});

test("a wrong option, choice, command or missing argument is a usage error: exit 2 and one clear text", async () => {
  for (const argv of [
    ["people", "greet"],
    ["people", "greet", "Ada", "--lood"],
    ["people", "greet", "Ada", "-o", "xml"],
    ["person"],
  ]) {
    const { code, err } = await run([greet], ...argv);
    assert.equal(code, 2, argv.join(" "));
    assert.match(err, /^error: /);
    if (argv[0] === "people") assert.match(err, / See: tracegate people greet --help\n$/);
    assert.doesNotMatch(err, /\n\s+at /);
  }
});

test("problems, refusals of the API and unreachable servers each have their exit code and no stack trace", async () => {
  const cases: [unknown, ExitCode, RegExp][] = [
    [new ProblemError({ code: "input/x", message: "broken" }), 2, /^tracegate: broken\n$/],
    [new ProblemError({ code: "state/in-use", message: "taken" }), 3, /^tracegate: taken\n$/],
    [new ProblemError({ code: "port/taken", message: "taken" }), 3, /^tracegate: taken\n$/],
    [new ProblemError({ code: "demo/stuck", message: "stuck" }), 1, /^tracegate: stuck\n$/],
    [new ProblemError({ code: "unreachable/x", message: "away" }), 3, /^tracegate: away\n$/],
    [
      new StatusError({ code: 404, reason: "NotFound", message: "x not found" }),
      1,
      /^Error from server \(NotFound\): x not found\n$/,
    ],
    [
      Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:6443"), { code: "ECONNREFUSED" }),
      3,
      /cannot be reached/,
    ],
    [
      Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }),
      3,
      /^tracegate: the disk is full, or your share of it \(ENOSPC: .*\)\. Free some space, .*\n$/,
    ],
  ];
  for (const [error, expected, text] of cases) {
    const { code, err } = await run([failing(error)], "fail");
    assert.equal(code, expected);
    assert.match(err, text);
  }
});

test("an error that is our fault shows its stack, for the report", async () => {
  const { code, err } = await run([failing(new TypeError("x is undefined"))], "fail");
  assert.equal(code, 1);
  assert.match(err, /please report it[\s\S]*TypeError: x is undefined/);
});

test("every command's help has an example and fits a terminal of 80 columns", async () => {
  for (const { path, examples } of commands) {
    const { code, out } = await run(commands, ...path.split(" "), "--help");
    assert.equal(code, 0);
    assert.ok(out.includes(`$ ${examples[0]}`), path);
    for (const line of out.split("\n")) assert.ok(line.length <= 80, `${path}: ${line}`);
    // No line of a paragraph ends early: what follows would have fitted on it.
    const [, details = ""] = out.split("\n\n", 2);
    const lines = details.split("\n");
    for (const [index, line] of lines.slice(0, -1).entries()) {
      const [next = ""] = (lines[index + 1] ?? "").split(" ");
      assert.ok(line.length + 1 + next.length > 80, `${path}: ${line}`);
    }
  }
});

test("the version is that of the package", async () => {
  for (const flag of ["--version", "-V"]) {
    const { code, out } = await run([greet], flag);
    assert.equal(code, 0);
    assert.match(out, /^\d+\.\d+\.\d+\n$/);
  }
});

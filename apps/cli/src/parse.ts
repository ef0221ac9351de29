import { createRequire } from "node:module";
import { ProblemError, renderProblem } from "@tracegate/contracts";
import { StatusError } from "@tracegate/kube";
import { Command as Commander, CommanderError, Option } from "commander";
import type { Command, ExitCode, Io } from "./command.ts";

const { version } = createRequire(import.meta.url)("../../../package.json") as { version: string };

/** Runs one command line; errors become one clear text and an exit code, never a stack trace for a user's mistake. */
export async function runCli(
  argv: readonly string[],
  commands: readonly Command[],
  io: Io,
): Promise<ExitCode> {
  let exit: ExitCode = 0;
  const program = build(commands, io, (code) => {
    exit = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { text, code } = describeError(error);
    io.err(`${text}\n`);
    return code;
  }
}

function build(commands: readonly Command[], io: Io, ended: (code: ExitCode) => void): Commander {
  const program = new Commander("tracegate")
    .description("Progressive delivery gated by what your traces say.")
    .version(version, "-V, --version", "say which version this is")
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showSuggestionAfterError();
  const groups = new Map<string, Commander>([["", program]]);
  for (const spec of commands) {
    const words = spec.path.split(" ");
    const name = words.pop() ?? "";
    const parent = groupOf(words, groups);
    const sub = parent
      .command(name)
      .summary(spec.summary)
      .description(spec.details === undefined ? spec.summary : `${spec.summary}\n\n${flowing(spec.details)}`)
      .exitOverride()
      .configureOutput({
        outputError: (text, write) =>
          write(`${text.trimEnd().replace(/\.$/, "")}. See: tracegate ${spec.path} --help\n`),
      })
      .addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  $ ${line}`).join("\n")}`);
    for (const { name: argument, help, optional } of spec.positionals) {
      sub.argument(optional ? `[${argument}]` : `<${argument}>`, help);
    }
    const keys = new Map<string, string>();
    for (const [key, { flags, help, choices, default: fallback }] of Object.entries(spec.options)) {
      const option = new Option(flags, help);
      if (choices !== undefined) option.choices(choices);
      if (fallback !== undefined) option.default(fallback);
      sub.addOption(option);
      keys.set(option.attributeName(), key);
    }
    sub.action(async (...parsed: unknown[]) => {
      const values = parsed.at(-2) as Record<string, string | boolean | undefined>; // commander: (…arguments, options, command)
      const input: Record<string, string | boolean | undefined> = {};
      for (const [index, { name: argument }] of spec.positionals.entries()) {
        input[argument] = parsed[index] as string | undefined; // commander checked that required ones are there
      }
      for (const [attribute, key] of keys) {
        const takesValue = spec.options[key]?.flags.includes("<") === true;
        input[key] = takesValue ? values[attribute] : values[attribute] === true;
      }
      ended(await spec.run(input as Parameters<Command["run"]>[0], io));
    });
  }
  return program;
}

/** Paragraphs without line ends of their own, which the terminal's width decides. */
const flowing = (text: string): string => text.replace(/(?<!\n)\n(?!\n)/g, " ");

function groupOf(words: readonly string[], groups: Map<string, Commander>): Commander {
  const path = words.join(" ");
  const known = groups.get(path);
  if (known !== undefined) return known;
  const group = groupOf(words.slice(0, -1), groups)
    .command(words.at(-1) ?? "")
    .exitOverride();
  group.description(groupSummaries[path] ?? "");
  groups.set(path, group);
  return group;
}

const groupSummaries: Record<string, string> = {
  rollouts: "See and steer Rollouts",
  app: "See and sync GitOps Applications",
};

/** Where a platform cannot be had, nothing was answered: that is no "no". */
const outOfReach: ReadonlySet<string> = new Set([
  "unreachable",
  "node",
  "platform",
  "port",
  "state",
  "store",
]);

/** What a user reads of an error, and the exit code. */
export function describeError(error: unknown): { text: string; code: ExitCode } {
  if (error instanceof ProblemError) {
    const [area = ""] = error.problem.code.split("/");
    const code = area === "usage" || area === "input" ? 2 : outOfReach.has(area) ? 3 : 1;
    return { text: `tracegate: ${renderProblem(error.problem)}`, code };
  }
  if (error instanceof StatusError) {
    return {
      text: `Error from server (${error.status.reason ?? error.status.code}): ${error.message}`,
      code: 1,
    };
  }
  const { code, message, stack } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED" || code === "ECONNRESET" || code === "ENOTFOUND") {
    return {
      text: `tracegate: the API server cannot be reached (${message}). Is a platform running? \`tracegate status\` tells`,
      code: 3,
    };
  }
  if (code === "ENOSPC" || code === "EDQUOT") {
    const text = `tracegate: the disk is full, or your share of it (${message}). Free some space, or choose another directory with --state DIR`;
    return { text, code: 3 };
  }
  // Not a user's mistake but ours: the stack is what a bug report needs.
  return { text: `tracegate: unexpected error (please report it)\n${stack ?? String(error)}`, code: 1 };
}

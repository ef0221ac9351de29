import type { AnyFlags, CobraCommand, CobraGroup, CobraProgram, FlagSpec, FlagSpecs } from "./command.ts";
import { parseDuration } from "./duration.ts";
import { suggestionsFor } from "./suggestions.ts";

/** What a command line asks for. */
export type Parsed<C> =
  | {
      readonly kind: "run";
      readonly command: CobraCommand<C>;
      readonly args: readonly string[];
      readonly flags: AnyFlags;
      /** The names of flags that were given. */
      readonly given: ReadonlySet<string>;
    }
  /**
   * Help of a command, or of the commands that begin with `path`. Not `asked` for: the line ends where a described group
   * wants a command.
   */
  | {
      readonly kind: "help";
      readonly path: string;
      readonly command?: CobraCommand<C>;
      readonly asked: boolean;
    }
  /** The number of arguments is wrong. */
  | { readonly kind: "arguments"; readonly command: CobraCommand<C> }
  /** A mistake in cobra's words; where no such command is, its original adds where help is. */
  | {
      readonly kind: "mistake";
      readonly message: string;
      readonly path: string;
      readonly unknownCommand?: true;
    };

const helpFlag = { type: "bool", short: "h", help: "help for this command" } as const;

/** Reads a command line; pure. */
export function parseLine<C>(program: CobraProgram<C>, argv: readonly string[]): Parsed<C> {
  const words = wordsOf(argv, allFlags(program));
  const found = findCommand(program.commands, words);
  if (found === undefined) return unfinished(program, argv, words);
  const { command, depth } = found;
  const specs = { ...program.globals, ...command.flags, help: helpFlag };
  const read = readFlags(argv, specs);
  if ("message" in read) return { kind: "mistake", message: read.message, path: command.path };
  if (read.values["help"] === true) return { kind: "help", path: command.path, command, asked: true };
  const args = read.args.slice(depth);
  const [least, most] = command.args ?? [0, 0];
  if (args.length < least || args.length > most) return { kind: "arguments", command };
  return { kind: "run", command, args, flags: read.values, given: read.given };
}

/** The words of a line that are neither flags nor their values: its command and its arguments. */
export const commandWords = <C>(program: CobraProgram<C>, argv: readonly string[]): readonly string[] =>
  wordsOf(argv, allFlags(program));

/** No command is named by the words: help of a group, or an unknown word. */
function unfinished<C>(
  program: CobraProgram<C>,
  argv: readonly string[],
  words: readonly string[],
): Parsed<C> {
  const asked = words[0] === "help" ? words.slice(1) : words;
  const command = findCommand(program.commands, asked)?.command;
  if (command !== undefined) return { kind: "help", path: command.path, command, asked: true };
  if (program.groups !== undefined) return inGroup(program, program.groups, argv, words);
  const isGroup = (path: string) =>
    path === "" || program.commands.some((entry) => entry.path.startsWith(`${path} `));
  const path = asked.join(" ");
  if (isGroup(path)) {
    const unknown = argv.find((token) => token.startsWith("-") && nameOf(token) !== "help" && token !== "-h");
    const specs: FlagSpecs = { ...program.globals, help: helpFlag };
    const read = unknown === undefined ? undefined : readFlags(argv, specs);
    if (read !== undefined && "message" in read) return { kind: "mistake", message: read.message, path };
    return { kind: "help", path, asked: true };
  }
  const known = asked.findLastIndex((_, index) => isGroup(asked.slice(0, index).join(" ")));
  const group = asked.slice(0, known).join(" ");
  const of = [program.name, group].filter((part) => part !== "").join(" ");
  return { kind: "mistake", message: `unknown command "${asked[known] ?? ""}" for "${of}"`, path: group };
}

/** As `unfinished`, where groups are described: what follows a group's name is no command of it. */
function inGroup<C>(
  { name, globals, commands }: CobraProgram<C>,
  groups: readonly CobraGroup[],
  argv: readonly string[],
  words: readonly string[],
): Parsed<C> {
  const forHelp = words[0] === "help";
  const [first = "", ...rest] = forHelp ? words.slice(1) : words;
  const path = groups.some((group) => group.path === first) ? first : "";
  const read = readFlags(argv, { ...globals, help: helpFlag });
  if ("message" in read) return { kind: "mistake", message: read.message, path };
  const asked = forHelp || read.values["help"] === true;
  if (forHelp && (path === "" ? first !== "" : rest.length > 0)) {
    const topic = [first, ...rest].map((word) => `\`${word}\``).join(" ");
    return { kind: "mistake", message: `unknown help topic [${topic}]`, path: "" };
  }
  if (path !== "" || first === "" || asked) return { kind: "help", path, asked };
  const known = [...new Set(commands.map((command) => command.path.split(" ")[0] ?? ""))].sort();
  const near = suggestionsFor(first, known).map((word) => `\t${word}\n`);
  const suggested = near.length === 0 ? "" : `\n\nDid you mean this?\n${near.join("")}`;
  const message = `unknown command "${first}" for "${name}"${suggested}`;
  return { kind: "mistake", message, path, unknownCommand: true };
}

const allFlags = <C>({ globals, commands }: CobraProgram<C>): FlagSpecs =>
  Object.assign({}, ...commands.map(({ flags }) => flags), globals);

const nameOf = (token: string): string => token.replace(/^-+/, "").replace(/=.*$/s, "");

/** The tokens that are neither flags nor their values. */
function wordsOf(argv: readonly string[], specs: FlagSpecs): string[] {
  const words: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const token = argv[index] ?? "";
    if (token === "--") return [...words, ...argv.slice(index + 1)];
    if (!token.startsWith("-") || token === "-") words.push(token);
    else if (takesNext(token, specs)) index++;
  }
  return words;
}

function takesNext(token: string, specs: FlagSpecs): boolean {
  if (token.startsWith("--")) {
    const spec = Object.hasOwn(specs, token.slice(2)) ? specs[token.slice(2)] : undefined;
    return spec !== undefined && spec.type !== "bool";
  }
  const spec = byLetter(specs, token[1] ?? "")?.spec;
  return token.length === 2 && spec !== undefined && spec.type !== "bool";
}

function byLetter(specs: FlagSpecs, letter: string): { name: string; spec: FlagSpec } | undefined {
  const entry = Object.entries(specs).find(([, { short }]) => short === letter);
  return entry === undefined ? undefined : { name: entry[0], spec: entry[1] };
}

function findCommand<C>(
  commands: readonly CobraCommand<C>[],
  words: readonly string[],
): { command: CobraCommand<C>; depth: number } | undefined {
  for (let depth = words.length; depth > 0; depth--) {
    const before = words.slice(0, depth - 1).join(" ");
    const last = words[depth - 1] ?? "";
    const command = commands.find(({ path, aliases = [] }) => {
      const parts = path.split(" ");
      const name = parts.pop() ?? "";
      return parts.join(" ") === before && (name === last || aliases.includes(last));
    });
    if (command !== undefined) return { command, depth };
  }
  return undefined;
}

interface Read {
  readonly values: Record<string, boolean | string | number | string[]>;
  readonly args: readonly string[];
  readonly given: ReadonlySet<string>;
}

function readFlags(argv: readonly string[], specs: FlagSpecs): Read | { message: string } {
  const values: Read["values"] = {};
  for (const [name, spec] of Object.entries(specs)) values[name] = startValue(spec);
  const args: string[] = [];
  const given = new Set<string>();
  const set = (name: string, spec: FlagSpec, text: string, shown: string): string | undefined => {
    const value = readValue(spec, text);
    if (value === undefined)
      return `invalid argument "${text}" for "${shown}" flag: ${complaint(spec, text)}`;
    const earlier = values[name];
    values[name] = Array.isArray(earlier) && Array.isArray(value) ? [...earlier, ...value] : value;
    given.add(name);
    return undefined;
  };
  for (let index = 0; index < argv.length; index++) {
    const token = argv[index] ?? "";
    if (token === "--") return { values, given, args: [...args, ...argv.slice(index + 1)] };
    if (!token.startsWith("-") || token === "-") {
      args.push(token);
      continue;
    }
    let message: string | undefined;
    if (token.startsWith("--")) {
      const name = nameOf(token);
      const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
      if (spec === undefined) return { message: `unknown flag: --${name}` };
      const shown = spec.short === undefined ? `--${name}` : `-${spec.short}, --${name}`;
      const equals = token.indexOf("=");
      if (equals >= 0) message = set(name, spec, token.slice(equals + 1), shown);
      else if (spec.type === "bool") message = set(name, spec, "true", shown);
      else if (index + 1 >= argv.length) return { message: `flag needs an argument: --${name}` };
      else message = set(name, spec, argv[++index] ?? "", shown);
    } else {
      // Letters in a cluster: the first that takes a value takes the rest, or the next token.
      for (let at = 1; at < token.length; at++) {
        const letter = token[at] ?? "";
        const found = byLetter(specs, letter);
        if (found === undefined) return { message: `unknown shorthand flag: '${letter}' in ${token}` };
        const { name, spec } = found;
        const shown = `-${letter}, --${name}`;
        const rest = token.slice(at + 1);
        if (rest.startsWith("=")) {
          message = set(name, spec, rest.slice(1), shown);
          break;
        }
        if (spec.type === "bool") {
          message = set(name, spec, "true", shown);
          continue;
        }
        if (rest === "" && index + 1 >= argv.length)
          return { message: `flag needs an argument: '${letter}' in ${token}` };
        message = set(name, spec, rest === "" ? (argv[++index] ?? "") : rest, shown);
        break;
      }
    }
    if (message !== undefined) return { message };
  }
  return { values, args, given };
}

function startValue({ type, default: own }: FlagSpec): boolean | string | number | string[] {
  if (own !== undefined) return own;
  if (type === "strings" || type === "stringArray") return [];
  return type === "bool" ? false : type === "string" ? "" : 0;
}

function readValue({ type }: FlagSpec, text: string): boolean | string | number | string[] | undefined {
  switch (type) {
    case "bool":
      return /^(1|t|true|T|TRUE|True)$/.test(text)
        ? true
        : /^(0|f|false|F|FALSE|False)$/.test(text)
          ? false
          : undefined;
    case "number":
      return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
    case "duration":
      return parseDuration(text);
    case "strings":
      return text.split(",");
    case "stringArray":
      return [text];
    case "string":
      return text;
  }
}

function complaint({ type }: FlagSpec, text: string): string {
  if (type === "duration") return `time: invalid duration "${text}"`;
  return `strconv.Parse${type === "bool" ? "Bool" : "Int"}: parsing "${text}": invalid syntax`;
}

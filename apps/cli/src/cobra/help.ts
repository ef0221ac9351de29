import type { CobraCommand, CobraProgram, FlagSpec, FlagSpecs } from "./command.ts";

/** Help of a command, or of all commands that begin with `path`. */
export function helpText<C>(program: CobraProgram<C>, path: string, command?: CobraCommand<C>): string {
  const about =
    command === undefined
      ? path === ""
        ? program.summary
        : (groupAt(program, path)?.summary ?? `${[program.name, path].join(" ")} commands`)
      : (command.details ?? command.summary);
  return `${about}\n\n${usageText(program, path, command)}`;
}

/** The part of help that answers a mistake: how the line is written, and its flags. */
export function usageText<C>(program: CobraProgram<C>, path: string, command?: CobraCommand<C>): string {
  return command === undefined ? groupUsage(program, path) : commandUsage(program, command);
}

const groupAt = <C>({ groups = [] }: CobraProgram<C>, path: string) =>
  groups.find((group) => group.path === path);

function groupUsage<C>(program: CobraProgram<C>, path: string): string {
  const group = groupAt(program, path);
  const of = [program.name, path].filter((part) => part !== "").join(" ");
  const help: FlagSpecs = { help: helpFlag(path === "" ? program.name : (path.split(" ").at(-1) ?? "")) };
  return [
    ...section("Usage", [
      group === undefined ? `  ${of} [flags]` : `  ${of} ${group.use} [flags]`,
      `  ${of} [command]`,
    ]),
    ...section(
      "Examples",
      (group?.examples ?? []).map((line) => `  ${line}`),
    ),
    ...section("Available Commands", commandLines(program, path)),
    ...(path === ""
      ? section("Flags", flagLines({ ...program.globals, ...help }))
      : [...section("Flags", flagLines(help)), ...section("Global Flags", flagLines(program.globals))]),
    `Use "${of} [command] --help" for more information about a command.`,
    "",
  ].join("\n");
}

function commandUsage<C>(program: CobraProgram<C>, command: CobraCommand<C>): string {
  const use = command.use === undefined ? "" : ` ${command.use}`;
  const name = command.path.split(" ").at(-1) ?? "";
  const lines = [
    ...section("Usage", [`  ${program.name} ${command.path}${use} [flags]`]),
    ...section(
      "Aliases",
      command.aliases === undefined ? [] : [`  ${[name, ...command.aliases].join(", ")}`],
    ),
    ...section(
      "Examples",
      command.examples.map((line) => `  ${line}`),
    ),
    ...section("Flags", flagLines({ ...command.flags, help: helpFlag(name) })),
    ...section("Global Flags", flagLines(program.globals)),
  ];
  return lines.join("\n");
}

const helpFlag = (name: string): FlagSpec => ({ type: "bool", short: "h", help: `help for ${name}` });

/** The words that may follow `path`, in order; those that begin commands of several words once. */
function commandLines<C>(program: CobraProgram<C>, path: string): string[] {
  const prefix = path === "" ? "" : `${path} `;
  const below = new Map<string, string>();
  for (const entry of program.commands) {
    if (!entry.path.startsWith(prefix)) continue;
    const [word = "", ...more] = entry.path.slice(prefix.length).split(" ");
    const group = groupAt(program, `${prefix}${word}`);
    below.set(
      word,
      group?.summary ?? (below.has(word) || more.length > 0 ? `${word} commands` : entry.summary),
    );
  }
  if (path === "") below.set("help", "Help about any command");
  const rows = [...below].sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(11, ...rows.map(([word]) => word.length));
  return rows.map(([word, text]) => `  ${word.padEnd(width)} ${text}`);
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${title}:`, ...lines, ""];

function flagLines(flags: FlagSpecs): string[] {
  const rows = Object.entries(flags)
    .filter(([, { deprecated }]) => deprecated === undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, spec]): [string, string] => {
      const { short, type, help } = spec;
      const value = type === "bool" ? "" : type === "number" ? " int" : ` ${type}`;
      return [
        `${short === undefined ? "    " : `-${short}, `}--${name}${value}`,
        `${help}${defaultText(spec)}`,
      ];
    });
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}   ${text}`);
}

function defaultText({ default: value }: FlagSpec): string {
  if (value === undefined || value === "" || value === false || value === 0) return "";
  return ` (default ${typeof value === "string" ? JSON.stringify(value) : value})`;
}

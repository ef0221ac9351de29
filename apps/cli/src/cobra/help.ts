import type { CobraCommand, CobraProgram, FlagSpecs } from "./command.ts";

/** Help of a command, or of all commands that begin with `path`. */
export function helpText<C>(program: CobraProgram<C>, path: string, command?: CobraCommand<C>): string {
  if (command !== undefined) return commandHelp(program, command);
  const prefix = path === "" ? "" : `${path} `;
  const below = new Map<string, string>();
  for (const entry of program.commands) {
    if (!entry.path.startsWith(prefix)) continue;
    const [word = "", ...more] = entry.path.slice(prefix.length).split(" ");
    below.set(word, below.has(word) || more.length > 0 ? `${word} commands` : entry.summary);
  }
  const of = [program.name, path].filter((part) => part !== "").join(" ");
  return [
    path === "" ? program.summary : `${of} commands`,
    "",
    "Usage:",
    `  ${of} [command]`,
    "",
    "Available Commands:",
    ...columns([...below]),
    "",
    "Flags:",
    ...flagLines(program.globals),
    "",
    `Use "${of} [command] --help" for more information about a command.`,
    "",
  ].join("\n");
}

function commandHelp<C>(program: CobraProgram<C>, command: CobraCommand<C>): string {
  const use = command.use === undefined ? "" : ` ${command.use}`;
  const own = flagLines(command.flags);
  return [
    command.summary,
    "",
    "Usage:",
    `  ${program.name} ${command.path}${use} [flags]`,
    "",
    "Examples:",
    ...command.examples.map((line) => `  ${line}`),
    "",
    ...(own.length > 0 ? ["Flags:", ...own, ""] : []),
    "Global Flags:",
    ...flagLines(program.globals),
    "",
  ].join("\n");
}

function flagLines(flags: FlagSpecs): string[] {
  const rows = Object.entries(flags).map(([name, { short, type, help }]): [string, string] => {
    const value =
      type === "bool" ? "" : type === "number" ? " int" : type === "strings" ? " strings" : ` ${type}`;
    return [`${short === undefined ? "    " : `-${short}, `}--${name}${value}`, help];
  });
  return columns(rows);
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}   ${text}`);
}

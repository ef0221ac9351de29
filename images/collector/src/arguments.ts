export type Command = "run" | "validate" | "components" | "version" | "help";

export interface Arguments {
  readonly command: Command;
  readonly configs: readonly string[];
  readonly sets: readonly string[];
}

/** Feature gates that change nothing here in the state that is asked for. */
const HARMLESS_GATES: ReadonlySet<string> = new Set(["+configoptional.AddEnabledField"]);

/** `otelcol`'s command line. Throws in its words. */
export function parseArguments(args: readonly string[]): Arguments {
  let command: Command = "run";
  const configs: string[] = [];
  const sets: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (!arg.startsWith("-")) {
      command = subCommand(arg);
      continue;
    }
    const [flag, attached] = splitFlag(arg);
    if (flag === "version" || flag === "v") return { command: "version", configs, sets };
    if (flag === "help" || flag === "h") return { command: "help", configs, sets };
    if (flag !== "config" && flag !== "set" && flag !== "feature-gates")
      throw new Error(`unknown flag: --${flag}`);
    const value = attached ?? rest.shift();
    if (value === undefined) throw new Error(`flag needs an argument: --${flag}`);
    if (flag === "config") configs.push(value);
    else if (flag === "set") sets.push(value);
    else checkGates(value);
  }
  return { command, configs, sets };
}

function subCommand(arg: string): Command {
  if (arg === "validate" || arg === "components" || arg === "help") return arg;
  throw new Error(`unknown command "${arg}" for "otelcol-contrib"`);
}

function splitFlag(arg: string): readonly [string, string | undefined] {
  const bare = arg.replace(/^--?/, "");
  const equals = bare.indexOf("=");
  return equals < 0 ? [bare, undefined] : [bare.slice(0, equals), bare.slice(equals + 1)];
}

function checkGates(list: string): void {
  for (const given of list.split(",").filter((g) => g !== "")) {
    const gate = /^[+-]/.test(given) ? given : `+${given}`;
    if (!HARMLESS_GATES.has(gate)) {
      throw new Error(`feature gate ${JSON.stringify(gate)} is not supported by this collector`);
    }
  }
}

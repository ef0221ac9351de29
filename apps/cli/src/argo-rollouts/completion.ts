import { AnalysisRun } from "@tracegate/analysis";
import type { Kind } from "@tracegate/kube";
import { Experiment, Rollout } from "@tracegate/rollouts";
import type { CobraCommand, CobraProgram } from "../cobra/command.ts";
import { commandWords } from "../cobra/parse.ts";
import { command, type Plugin, PluginError } from "./plugin.ts";

const name = "kubectl-argo-rollouts";
const shellName = name.replaceAll("-", "_");
/** The words of the line are asked for with this command: as kubectl does for its plugins, and our own scripts. */
const ask = "__complete";

const scripts: Readonly<Record<string, string>> = {
  bash: `# bash completion for ${name}
_${shellName}() {
  local words
  words=$("\${COMP_WORDS[0]}" ${ask} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | sed '/^:/d; s/\\t.*//')
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _${shellName} ${name}
`,
  zsh: `#compdef ${name}
_${name}() {
  local -a found
  found=(\${(f)"$(\${words[1]} ${ask} "\${(@)words[2,CURRENT]}" 2>/dev/null | sed '/^:/d; s/:/\\\\:/g; s/\\t/:/')"})
  _describe '' found
}
compdef _${name} ${name}
`,
  fish: `# fish completion for ${name}
function __${shellName}_complete
  set -l words (commandline -opc) (commandline -ct)
  ${name} ${ask} $words[2..-1] 2>/dev/null | string match -v ':*'
end
complete -c ${name} -f -a '(__${shellName}_complete)'
`,
};

export const completion = command({
  path: "completion",
  use: "[bash|zsh|fish]",
  args: [0, Number.POSITIVE_INFINITY],
  summary: "Print a script that completes command lines in a shell",
  examples: ["source <(kubectl-argo-rollouts completion bash)"],
  flags: {},
  async run(args, _flags, { io }) {
    const [shell = ""] = args;
    if (args.length !== 1) throw new PluginError(`accepts 1 arg(s), received ${args.length}`);
    const script = scripts[shell];
    if (script === undefined) throw new PluginError(`invalid argument "${shell}" for "${name} completion"`);
    io.out(script);
    return 0;
  },
});

/** Whether a command line asks what may stand at its end. */
export const asksForWords = (argv: readonly string[]): boolean => argv[0] === ask;

/**
 * What may stand at the end of a line, and the directive that ends the answer (4: no file names). Commands, flags, and the
 * names of what a command is about, which `names` finds.
 */
export async function wordsFor<C>(
  program: CobraProgram<C>,
  argv: readonly string[],
  names: (kind: Kind) => Promise<readonly string[]>,
): Promise<string> {
  const { commands, globals } = program;
  const path = commandWords(program, argv.slice(0, -1)).join(" ");
  const typed = argv.at(-1) ?? "";
  const at = commands.findLast((entry) => path === entry.path || path.startsWith(`${entry.path} `));
  const lines = typed.startsWith("-")
    ? Object.entries({ ...globals, ...at?.flags })
        .filter(([, { deprecated }]) => deprecated === undefined)
        .map(([flag, { help }]) => `--${flag}\t${help}`)
    : at === undefined
      ? followers(commands, path)
      : await named(at, names);
  const found = lines.filter((line) => line.startsWith(typed)).sort();
  return [...found, ":4", ""].join("\n");
}

function followers<C>(commands: readonly CobraCommand<C>[], path: string): string[] {
  const prefix = path === "" ? "" : `${path} `;
  const words = commands
    .filter((entry) => entry.path.startsWith(prefix))
    .map((entry) => entry.path.slice(prefix.length).split(" ")[0] ?? "");
  return [...new Set(words)];
}

async function named<C>(
  { use = "" }: CobraCommand<C>,
  names: (kind: Kind) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const kind = use.startsWith("ROLLOUT")
    ? Rollout
    : use.startsWith("ANALYSISRUN")
      ? AnalysisRun
      : use.startsWith("EXPERIMENT")
        ? Experiment
        : undefined;
  return kind === undefined ? [] : await names(kind);
}

/** Names in the plugin's namespace, for `wordsFor`. A server that does not answer completes nothing. */
export const namesFrom =
  ({ client, namespace }: Pick<Plugin, "client" | "namespace">) =>
  async (kind: Kind): Promise<readonly string[]> => {
    const { items } = await client.list(kind, { namespace });
    return items.map(({ metadata }) => metadata.name);
  };

/** A command as data: help, parsing and the documentation read the same object. */
export interface Command {
  /** Words after `tracegate`: `rollouts get`. */
  readonly path: string;
  readonly summary: string;
  /** Further lines of help. */
  readonly details?: string;
  /** Full command lines. */
  readonly examples: readonly [string, ...string[]];
  readonly positionals: readonly PositionalSpec[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  run(
    input: Input<readonly PositionalSpec[], Readonly<Record<string, OptionSpec>>>,
    io: Io,
  ): Promise<ExitCode>;
}

export interface PositionalSpec {
  readonly name: string;
  readonly help: string;
  readonly optional?: true;
}

/** `flags` as commander writes them: `-n, --namespace <name>` takes a value, `--exit` does not. */
export interface OptionSpec {
  readonly flags: string;
  readonly help: string;
  readonly choices?: readonly string[];
  readonly default?: string;
}

/** 0 done, 1 the answer is no, 2 usage or bad input, 3 could not reach what was needed. */
export type ExitCode = 0 | 1 | 2 | 3;

export interface Io {
  out(text: string): void;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether `out` is a terminal that can be drawn on, and its width. */
  readonly terminal: { readonly columns: number; readonly rows: number } | undefined;
  /** Colour is wanted: a terminal, and no NO_COLOR. */
  readonly colour: boolean;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

type OptionValue<S extends OptionSpec> = S extends { flags: `${string}<${string}` }
  ? S extends { choices: readonly (infer C extends string)[]; default: string }
    ? C
    : S extends { choices: readonly (infer C extends string)[] }
      ? C | undefined
      : S extends { default: string }
        ? string
        : string | undefined
  : boolean;

type PositionalValues<P extends readonly PositionalSpec[]> = {
  [K in P[number] as K["name"]]: K extends { optional: true } ? string | undefined : string;
};

export type Input<P extends readonly PositionalSpec[], O extends Readonly<Record<string, OptionSpec>>> = {
  readonly [K in keyof O]: OptionValue<O[K]>;
} & PositionalValues<P>;

/** Declares a command; the types of `run`'s input follow from its positionals and options. */
export function command<
  const P extends readonly PositionalSpec[],
  const O extends Readonly<Record<string, OptionSpec>>,
>(
  spec: Omit<Command, "positionals" | "options" | "run"> & {
    positionals?: P;
    options?: O;
    run(input: Input<P, O>, io: Io): Promise<ExitCode>;
  },
): Command {
  return {
    ...spec,
    positionals: spec.positionals ?? [],
    options: spec.options ?? {},
    // The parser fills exactly what the specification says, which is what `Input<P, O>` spells out.
    run: spec.run as Command["run"],
  };
}

/** Options that many commands share. */
export const common = {
  state: { flags: "--state <dir>", help: "state directory", default: ".tracegate" },
  namespace: { flags: "-n, --namespace <name>", help: "namespace", default: "default" },
  output: { flags: "-o, --output <format>", help: "machine-readable output", choices: ["json", "yaml"] },
  allNamespaces: { flags: "-A, --all-namespaces", help: "all namespaces" },
} as const satisfies Record<string, OptionSpec>;

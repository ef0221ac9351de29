// Command lines as the field's own tools read them (Go's cobra and pflag): flags anywhere, `--flag=false`, `-nNAME`.
// kubectl-argo-rollouts and argocd are typed from memory and in scripts, so theirs must be read by these rules.

export interface FlagSpec {
  /** One letter. */
  readonly short?: string;
  readonly type: "bool" | "string" | "strings" | "number" | "duration";
  /** Absent: false, "", [] or 0. */
  readonly default?: boolean | string | number;
  readonly help: string;
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

/** What a flag is worth; durations are milliseconds. */
export type FlagValues<F extends FlagSpecs> = {
  readonly [K in keyof F]: F[K]["type"] extends "bool"
    ? boolean
    : F[K]["type"] extends "strings"
      ? readonly string[]
      : F[K]["type"] extends "number" | "duration"
        ? number
        : string;
};

/** Flags whose names are not known statically. */
export type AnyFlags = Readonly<Record<string, boolean | string | number | readonly string[]>>;

/** A command as data. `C` is what the program hands to its commands. */
export interface CobraCommand<C> {
  /** Words after the program's name: `get rollout`. */
  readonly path: string;
  /** Other names of the last word. */
  readonly aliases?: readonly string[];
  /** Names of the arguments, as help shows them. */
  readonly use?: string;
  readonly summary: string;
  readonly examples: readonly [string, ...string[]];
  /** How many arguments there may be. */
  readonly args?: readonly [least: number, most: number];
  readonly flags: FlagSpecs;
  /** Resolves with the exit code. */
  run(args: readonly string[], flags: AnyFlags, context: C): Promise<number>;
}

/** Declares a command; the type of `run`'s flags follows from `flags`. */
export function cobraCommand<C, const F extends FlagSpecs>(
  spec: Omit<CobraCommand<C>, "flags" | "run"> & {
    readonly flags?: F;
    run(args: readonly string[], flags: FlagValues<F>, context: C): Promise<number>;
  },
): CobraCommand<C> {
  // The parser fills exactly the flags that are specified, which is what `FlagValues<F>` spells out.
  return { ...spec, flags: spec.flags ?? {}, run: spec.run as CobraCommand<C>["run"] };
}

/** A program: its name, its flags that every command takes, its commands. */
export interface CobraProgram<C> {
  readonly name: string;
  readonly summary: string;
  readonly globals: FlagSpecs;
  readonly commands: readonly CobraCommand<C>[];
}

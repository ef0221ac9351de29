// Command lines as the field's own tools read them (Go's cobra and pflag): flags anywhere, `--flag=false`, `-nNAME`.
// kubectl-argo-rollouts and argocd are typed from memory and in scripts, so theirs must be read by these rules.

export interface FlagSpec {
  /** One letter. */
  readonly short?: string;
  /** Of `strings`, commas part several; a `stringArray` has one each time it is given. */
  readonly type: "bool" | "string" | "strings" | "stringArray" | "number" | "duration";
  /** Absent: false, "", [] or 0. */
  readonly default?: boolean | string | number;
  readonly help: string;
  /** What to write in its place: the flag works still, is not shown, and is complained of when given. */
  readonly deprecated?: string;
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

/** What a flag is worth; durations are milliseconds. */
export type FlagValues<F extends FlagSpecs> = {
  readonly [K in keyof F]: F[K]["type"] extends "bool"
    ? boolean
    : F[K]["type"] extends "strings" | "stringArray"
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
  /** What help begins with, where that is more than the summary. */
  readonly details?: string;
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

/** Commands below one word, which is none by itself: `get`. */
export interface CobraGroup {
  readonly path: string;
  /** What may follow, as help shows it. */
  readonly use: string;
  readonly summary: string;
  readonly examples: readonly string[];
}

/** A program: its name, its flags that every command takes, its commands. */
export interface CobraProgram<C> {
  readonly name: string;
  readonly summary: string;
  readonly globals: FlagSpecs;
  readonly commands: readonly CobraCommand<C>[];
  /**
   * Described groups, the program itself (path "") among them: named without a command of theirs, they are a mistake and
   * answered by their usage. Groups that are not described show their help.
   */
  readonly groups?: readonly CobraGroup[];
}

/** A command that finds its arguments wrong: the program answers with its usage. */
export class UsageError extends Error {}

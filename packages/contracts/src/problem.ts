/** Something a user can mend: what is wrong, where, what was expected, what to do. Rendered in one line or a few. */
export interface Problem {
  /** Stable identity, `area/kind` (as listed in docs/errors.md). */
  readonly code: string;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** File:line:column, field path or address. */
  readonly where?: string;
  readonly expected?: string;
  /** The next thing to try. */
  readonly advice?: string;
}

/** A `Problem` as an exception, for the edges where a value cannot be returned. Never carries a stack to the user. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem, options?: ErrorOptions) {
    super(renderProblem(problem), options);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/** `where: message (expected …). advice` */
export function renderProblem({ message, where, expected, advice }: Problem): string {
  const at = where === undefined ? "" : `${where}: `;
  const wanted = expected === undefined ? "" : ` (expected ${expected})`;
  return `${at}${message}${wanted}${advice === undefined ? "" : `. ${advice}`}`;
}

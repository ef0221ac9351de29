/** The first place where a run parts from its recording, in one aspect. */
export interface Difference {
  /** The object and field, the Event, or the command: `Application web: health.1`. */
  readonly what: string;
  /** At which state or moment. */
  readonly at?: string;
  readonly expected: string;
  readonly got: string;
}

/** One scenario, request or conversation that was run. */
export interface Result {
  readonly name: string;
  readonly differences: readonly Difference[];
}

/** Runs the recordings of one kind that lie in a folder: all, or those named. */
export type RunRecordings = (folder: string, names: readonly string[]) => AsyncIterable<Result>;

/** In one line. */
export function differenceLine({ what, at, expected, got }: Difference): string {
  return `${what}${at === undefined ? "" : ` (${at})`}: expected ${expected}, got ${got}`;
}

/** As a small diff. */
export function differenceText({ what, at, expected, got }: Difference): string {
  const marked = (mark: string, text: string) => text.split("\n").map((line) => `    ${mark} ${line}`);
  return [
    `  ${what}${at === undefined ? "" : `, at ${at}`}`,
    ...marked("-", expected),
    ...marked("+", got),
  ].join("\n");
}

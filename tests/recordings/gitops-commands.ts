import type { Printed } from "./command.ts";
import type { Difference } from "./difference.ts";
import { firstLineDifference } from "./printed.ts";

/** Where what a command of argocd printed differs from the recording, with what differs from run to run taken out. */
export function commandDifference(
  command: string,
  recorded: Printed,
  ours: Printed,
  run: {
    readonly name: string;
    /** Scenarios that were recorded beside it. */
    readonly others: readonly string[];
    readonly commits: readonly string[];
    readonly stale: boolean;
  },
): Difference | undefined {
  if (recorded.exit !== ours.exit)
    return { what: `${command}: exit code`, expected: `${recorded.exit}`, got: `${ours.exit}: ${ours.out.join("\n")}` };
  const own = withCommits(ours.out, run.commits).filter((line) => !mentionsAnother(line, run));
  const theirs = recorded.out.filter((line) => !mentionsAnother(line, run));
  const view = viewOf(command, run.stale);
  return firstLineDifference(command, view(theirs), view(own));
}

/** What of a command's lines is compared. */
function viewOf(command: string, stale: boolean): (lines: readonly string[]) => string[] {
  // Who built it, when and with what: only which programs are told of.
  if (/^argocd version\b/.test(command))
    return (lines) => lines.filter((line) => /^\S/.test(line)).map((line) => line.replace(/:.*/, ""));
  const told = (line: string) => withoutFiles(neutral(line));
  return (lines) => {
    const rows = lastRows(trimmed(lines.map(told)));
    return stale ? withoutOrder(rows.map(withoutVerb)) : rows;
  };
}

/** A sync that came from a stale cache tells of the objects it left unchanged, and nothing of the others: messages and order are its own. */
const withoutVerb = (line: string): string => line.replace(/ \S+\/\S+ (created|configured|unchanged|replaced|serverside-applied)$/, "");

/** kubectl's library names the file that it was given a manifest in; whoever calls it inside a process has none. */
export const withoutFiles = (text: string): string =>
  text.replace(/error when (?:patching|applying patch|creating|replacing|deleting) \\?"\/[^"]*?\\?": /g, "").replace(/ from \\?"\/dev\/shm\/\d+\\?"/g, "");

/** Times and commits were given other names than they had, so columns are no measure: runs of blanks count as one. */
function neutral(line: string): string {
  return line
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC/g, "DATE")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)/g, "DATE")
    .replace(/"time":"[^"]*"/, '"time":"DATE"')
    .replace(/ at \d+:\d\d[AP]M/g, " at CLOCK")
    .replace(/(-(?:pre|post)?sync(?:fail)?-)\d{10}\b/g, "$1TIME")
    .replace(/ +/g, " ")
    .trimEnd();
}

/** Recorded outputs begin and end with a line that is not blank. */
function trimmed(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => line !== "");
  return first < 0 ? [] : lines.slice(first, lines.findLastIndex((line) => line !== "") + 1);
}

/** Of the table that `sync` and `wait` print as things change, the last row of each resource counts. */
function lastRows(lines: readonly string[]): string[] {
  const start = lines.findIndex((line) => line.startsWith("TIMESTAMP "));
  if (start < 0) return [...lines];
  const length = lines.slice(start + 1).findIndex((line) => !line.startsWith("DATE "));
  const end = length < 0 ? lines.length : start + 1 + length;
  const rows = new Map<string, string>();
  for (const line of lines.slice(start + 1, end)) rows.set(resourceOf(line), line);
  return [...lines.slice(0, start + 1), ...[...rows.values()].sort(), ...lines.slice(end)];
}

/** The rows of the table of resources in no order: a sync that came from a stale cache puts those that it left unchanged first. */
function withoutOrder(lines: readonly string[]): string[] {
  const start = lines.findIndex((line) => /^GROUP KIND NAMESPACE NAME STATUS/.test(line));
  if (start < 0) return [...lines];
  return [...lines.slice(0, start + 1), ...lines.slice(start + 1).sort()];
}

/** `[GROUP] KIND NAMESPACE NAME`: what stands before the status, or before the health of a hook that has none yet. */
const resourceOf = (row: string): string =>
  /^DATE (.*?) (Synced|OutOfSync|Unknown|Succeeded|Running|Failed|Error|Pruned|Healthy|Progressing|Degraded|Suspended|Missing)\b/.exec(
    row,
  )?.[1] ?? row;

function withCommits(lines: readonly string[], commits: readonly string[]): string[] {
  return lines.map((line) =>
    commits.reduce(
      (text, commit, index) =>
        text.replaceAll(commit, `commit${index + 1}`).replaceAll(commit.slice(0, 7), `commit${index + 1}`),
      line,
    ),
  );
}

/** Scenarios were recorded side by side, and lines about another one were taken out by its name. */
function mentionsAnother(line: string, { name, others }: { readonly name: string; readonly others: readonly string[] }): boolean {
  const words = line.replaceAll(name, "").split(/[^a-z-]+/);
  return others.some((other) => other !== name && words.includes(other));
}

import { ProblemError } from "@tracegate/contracts";

/** A command line as a shell reads it: `LEVEL=debug ./shop --verbose`. */
export interface CommandLine {
  readonly env: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

/** The variables that a command line begins with, and its words. */
export function readCommandLine(line: string): CommandLine {
  const words = splitWords(line);
  const first = words.findIndex((word) => !assignment.test(word));
  if (first === -1) throw refused(line, "there is no command");
  const env = Object.fromEntries(
    words.slice(0, first).map((word) => {
      const [, name = "", value = ""] = assignment.exec(word) ?? [];
      return [name, value];
    }),
  );
  return { env, words: words.slice(first) };
}

const assignment = /^([A-Za-z_]\w*)=(.*)$/s;

/**
 * The words of a command line, with single and double quotes as a shell reads them. What only a shell can do is refused,
 * because none will run.
 */
export function splitWords(line: string): string[] {
  const words = [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) => word);
  const bare = line.replace(/'[^']*'|"[^"]*"/g, "");
  const special = /['"|&;<>$`\\*]|(?<=^|\s)[~#]/.exec(bare)?.[0];
  if (special !== undefined)
    throw refused(line, `${special} means nothing without a shell`, `For a shell, say so: "sh -c '…'"`);
  if (words.length === 0) throw refused(line, "there is no command");
  return words.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double));
}

const refused = (line: string, message: string, advice?: string) =>
  new ProblemError({
    code: "usage/command",
    ...(line.trim() === "" ? {} : { where: line }),
    message,
    expected: 'a program and its arguments, like "node server.mjs"',
    ...(advice === undefined ? {} : { advice }),
  });

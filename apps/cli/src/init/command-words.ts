import { ProblemError } from "@tracegate/contracts";

/**
 * The words of a command line, with single and double quotes as a shell reads them. What only a shell can do is refused,
 * because none will run.
 */
export function splitWords(line: string): string[] {
  const words = [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) => word);
  const bare = line.replace(/'[^']*'|"[^"]*"/g, "");
  const special = /['"|&;<>$`\\]/.exec(bare)?.[0];
  if (words.length === 0 || special !== undefined) {
    throw new ProblemError({
      code: "usage/command",
      where: line,
      message: special === undefined ? "there is no command" : `${special} means nothing without a shell`,
      expected: 'a program and its arguments, like "node server.mjs"',
      ...(special === undefined ? {} : { advice: `For a shell, say so: "sh -c '…'"` }),
    });
  }
  return words.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double));
}

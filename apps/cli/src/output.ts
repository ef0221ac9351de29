import { stringify } from "yaml";
import type { Io } from "./command.ts";

/** Prints `value` as asked for with -o, or else the text that people read. */
export function print(io: Io, format: "json" | "yaml" | undefined, value: unknown, text: () => string): void {
  if (format === "json") io.out(`${JSON.stringify(value, undefined, 2)}\n`);
  else if (format === "yaml") io.out(stringify(value));
  else io.out(text());
}

/** Columns as kubectl prints them: upper-case heads, three blanks between, nothing behind the last. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 3)))
      .join("");
  return [head, ...rows].map((row) => `${line(row).trimEnd()}\n`).join("");
}

/** A word of a shell's command line: as it is where a shell leaves it alone, else in single quotes. */
export const shellQuoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** Text in lines of at most `columns`, each with the indent before it; broken at blanks only, and not at all without `columns`. */
export function indented(text: string, indent: string, columns: number | undefined): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    const fits = last !== undefined && last.length + 1 + word.length <= (columns ?? Number.POSITIVE_INFINITY);
    if (fits) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${indent}${word}`);
  }
  return lines;
}

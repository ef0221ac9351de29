import { indented } from "./output.ts";

/** A region at the end of the terminal that is drawn again and again; lines printed meanwhile appear above it. */
export interface LiveArea {
  draw(lines: readonly string[]): void;
  /** Prints lines that stay, above the region. */
  print(text: string): void;
  /** Leaves what is drawn in place and draws no more. */
  end(): void;
}

const up = (lines: number) => (lines === 0 ? "" : `\u001b[${lines}A`);
const clearBelow = "\u001b[J";

/** `size` is asked at each drawing, since a terminal may be resized. */
export function liveArea(
  write: (text: string) => void,
  size: () => { columns: number; rows: number },
): LiveArea {
  let shown: string[] = [];
  const erase = () => `\r${up(shown.length)}${clearBelow}`;
  const render = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");
  return {
    draw(lines) {
      const { columns, rows } = size();
      // A region higher than the screen cannot be erased again: its end is what matters.
      const fitting = lines.flatMap((line) => fold(line, columns - 1)).slice(-Math.max(1, rows - 1));
      if (fitting.length === shown.length && fitting.every((line, index) => line === shown[index])) return;
      write(`${erase()}${render(fitting)}`);
      shown = fitting;
    },
    print(text) {
      write(`${erase()}${text}${render(shown)}`);
    },
    end() {
      shown = [];
    },
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const token = /\u001b\[[0-9;]*m|./gu;

/**
 * A line in as many as it takes, broken at blanks, below where its text begins (`Message:  …`). Coloured ones are cut: they
 * are rows of tables.
 */
export function fold(line: string, columns: number): string[] {
  if (line.includes("\u001b") || clip(line, columns) === line) return [clip(line, columns)];
  const label = /^\s*[\w ]+: +/.exec(line)?.[0].length ?? 0;
  const margin = " ".repeat(label <= columns / 2 ? label : 0);
  const [first = "", ...rest] = indented(line.slice(margin.length), margin, columns);
  // A word alone may be longer than a line.
  return [`${line.slice(0, margin.length)}${first.slice(margin.length)}`, ...rest].map((part) =>
    clip(part, columns),
  );
}

/** At most `columns` cells; colour sequences take none, pictographs two. */
export function clip(line: string, columns: number): string {
  let width = 0;
  let clipped = "";
  for (const [piece] of line.matchAll(token)) {
    const cells = piece.startsWith("\u001b")
      ? 0
      : /\p{Extended_Pictographic}/u.test(piece) && piece > "\u2fff"
        ? 2
        : 1;
    if (width + cells > columns) return line.includes("\u001b") ? `${clipped}\u001b[0m` : clipped;
    width += cells;
    clipped += piece;
  }
  return clipped;
}

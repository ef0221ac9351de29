/**
 * A table as Argo CD's command line prints it: columns as wide as their longest cell and two blanks between; all but the
 * last cell keep their padding. ⚠ Tabs and line ends within a cell begin cells and lines of their own, as in Go's tab writer.
 */
export function renderTable(rows: readonly (readonly string[])[]): string[] {
  const lines = rows.flatMap((row) =>
    row
      .join("\t")
      .split("\n")
      .map((line) => line.split("\t")),
  );
  const printed = lines.map(() => "");
  const columns = Math.max(0, ...lines.map(({ length }) => length));
  for (let column = 0; column < columns; column++) {
    // A column is as wide as its cells in lines that follow one another; a line's last cell belongs to none.
    for (let from = 0; from < lines.length; from++) {
      let to = from;
      let width = 0;
      for (; to < lines.length && (lines[to]?.length ?? 0) > column + 1; to++)
        width = Math.max(width, lines[to]?.[column]?.length ?? 0);
      for (let at = from; at < to; at++) printed[at] += (lines[at]?.[column] ?? "").padEnd(width + 2);
      if (lines[to]?.length === column + 1) printed[to] += lines[to]?.[column] ?? "";
      from = to;
    }
  }
  return printed;
}

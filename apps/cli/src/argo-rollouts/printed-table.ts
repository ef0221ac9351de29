/**
 * Columns as Go's tab writer prints them, which scripts cut by position: two blanks between, every cell of a row filled up
 * to `least` characters, the last one too.
 */
export function printedTable(
  titles: readonly string[] | undefined,
  rows: readonly (readonly string[])[],
  least: readonly number[] = [],
): string {
  const filled = rows.map((row) => row.map((cell, column) => cell.padEnd(least[column] ?? 0)));
  const table = titles === undefined ? filled : [titles, ...filled];
  const columns = Math.max(0, ...table.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...table.map((row) => Array.from(row[column] ?? "").length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2)))
      .join("");
  return table.map((row) => `${line(row)}\n`).join("");
}

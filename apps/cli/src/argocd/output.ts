import { stringify } from "yaml";
import { Fatal } from "./fatal.ts";

/** YAML as Go's library writes it: sorted keys, lists as far left as their key, no folding; quoted where 1.1 reads another type. */
export const goYaml = (value: unknown): string =>
  stringify(value, {
    version: "1.1",
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
  }).replace(/^(\s*)"\.": /gm, "$1.: "); // a lone dot is no number to Go

export const goJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** ⚠ The original prints objects without saying what they are. */
function untyped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untyped);
  if (typeof value !== "object" || value === null || !("metadata" in value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== "apiVersion" && key !== "kind"));
}

/** A value in the asked form; `texts` are the forms that people read. */
export function formatted(
  format: string,
  value: unknown,
  texts: Readonly<Record<string, () => string>>,
): string {
  const text = Object.hasOwn(texts, format) ? texts[format] : undefined;
  if (text !== undefined) return text();
  if (format === "json") return goJson(untyped(value));
  if (format === "yaml") return goYaml(untyped(value));
  throw new Fatal(`unknown output format: ${format}`);
}

/** Two blanks between columns; all but the last cell keep their padding. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2)))
        .join(""),
    )
    .map((line) => `${line}\n`)
    .join("");
}

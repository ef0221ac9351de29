import { stringify } from "yaml";
import { Fatal } from "./session.ts";

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

/** A value in the asked form; `texts` are the forms that people read. */
export function formatted(
  format: string,
  value: unknown,
  texts: Readonly<Record<string, () => string>>,
): string {
  const text = Object.hasOwn(texts, format) ? texts[format] : undefined;
  if (text !== undefined) return text();
  if (format === "json") return goJson(value);
  if (format === "yaml") return goYaml(value);
  throw new Fatal(`unknown output format: ${format}`);
}

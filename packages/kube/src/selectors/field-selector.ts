import { SelectorSyntaxError } from "./label-selector-parser.ts";

/** One requirement of a field selector; `==` is read as `=`. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** All must hold; none: everything matches. */
export type FieldRequirements = readonly FieldRequirement[];

/** Parses `metadata.name=a,status.phase!=Failed`. Throws `SelectorSyntaxError` with apimachinery's message. */
export function parseFieldSelector(text: string): FieldRequirements {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    if (term === "") continue;
    const match = /!=|==|=/.exec(term);
    if (match === null) {
      throw new SelectorSyntaxError(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const operator = match[0] === "!=" ? "!=" : "=";
    const value = unescapeValue(term.slice(match.index + match[0].length));
    requirements.push({ field: term.slice(0, match.index), operator, value });
  }
  return requirements;
}

/** Whether a field's values satisfy the requirements; a field that is absent is "". */
export function matchesFields(
  requirements: FieldRequirements,
  fieldValue: (field: string) => string | undefined,
): boolean {
  return requirements.every(
    ({ field, operator, value }) => ((fieldValue(field) ?? "") === value) === (operator === "="),
  );
}

/** The text form, with `\`, `,` and `=` in values escaped. */
export function formatFieldSelector(requirements: FieldRequirements): string {
  return requirements
    .map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`)
    .join(",");
}

const escapeValue = (value: string): string => value.replace(/[\\,=]/g, (char) => `\\${char}`);

function splitTerms(text: string): string[] {
  if (text === "") return [];
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === ",") {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function unescapeValue(value: string): string {
  let out = "";
  for (let i = 0; i < value.length; i++) {
    const char = value[i] ?? "";
    if (char === "\\") {
      const next = value[++i] ?? "";
      if (next === "" || !"\\,=".includes(next)) {
        throw new SelectorSyntaxError(`invalid field selector: invalid escape sequence: \\${next}`);
      }
      out += next;
    } else if (char === "," || char === "=") {
      // Upstream prints the character's number.
      throw new SelectorSyntaxError(
        `invalid field selector: unescaped character in value: ${char.charCodeAt(0)}`,
      );
    } else {
      out += char;
    }
  }
  return out;
}

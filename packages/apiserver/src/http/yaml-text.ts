import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  parseAllDocuments,
  visit,
  type YAMLMap,
  type YAMLParseError,
} from "yaml";

export interface YamlText {
  /** Undefined for an empty document. */
  readonly value: unknown;
  /** `line 3: key "data" already set in map`, for each key that comes again; the last one counts. */
  readonly duplicates: readonly string[];
}

/** Malformed YAML, in the words of the Go library: `yaml: line 2: …`. */
export class YamlSyntaxError extends Error {}

const MAX_ALIASES = 100;
/** Each alias looks through the nodes before it: so many looks take well below a second. */
const MAX_ALIAS_LOOKS = 20_000_000;
const EXCESSIVE = "yaml: document contains excessive aliasing";

/** Reads the first document of a text as the Go library does: YAML 1.1 with its yes and no, times and base 60 left as text. */
export function parseYamlText(text: string): YamlText {
  const lines = new LineCounter();
  const [document] = parseAllDocuments(text, {
    version: "1.1",
    uniqueKeys: false, // it compares each key with all before it
    lineCounter: lines,
    prettyErrors: false,
    customTags: (tags) =>
      tags.filter(
        (tag) => typeof tag === "string" || !(tag.tag.endsWith(":timestamp") || tag.format === "TIME"),
      ),
  });
  // An empty text has no document at all.
  if (document === undefined || !("contents" in document)) return { value: undefined, duplicates: [] };
  const [first] = document.errors;
  if (first !== undefined) throw new YamlSyntaxError(`yaml: ${syntaxText(first, text, lines)}`);
  const anchors = new Set<string>();
  const repeated: number[] = [];
  let nodes = 0;
  let looks = 0;
  visit(document, (_, node) => {
    nodes += 1;
    if (isAlias(node)) looks += nodes;
    if (isMap(node)) for (const start of repeatedKeys(node)) repeated.push(start);
    if (isAlias(node) && !anchors.has(node.source)) {
      throw new YamlSyntaxError(`yaml: unknown anchor '${node.source}' referenced`);
    }
    const anchor = (node as { anchor?: string } | null)?.anchor;
    if (anchor !== undefined && !isAlias(node)) anchors.add(anchor);
  });
  if (looks > MAX_ALIAS_LOOKS) throw new YamlSyntaxError(EXCESSIVE);
  return {
    value: dataOf(document),
    duplicates: repeated
      .sort((a, b) => a - b)
      .map((start) => `line ${lines.linePos(start).line}: key ${keyText(text, start)} already set in map`),
  };
}

function dataOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) ?? undefined;
  } catch (error) {
    // All anchors are known: what is left is too much of them.
    throw new YamlSyntaxError(EXCESSIVE, { cause: error });
  }
}

/** Where keys begin that their map has already. */
function repeatedKeys({ items }: YAMLMap): number[] {
  const seen = new Set<unknown>();
  return items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const again = seen.has(key.value);
    seen.add(key.value);
    return again ? [key.range?.[0] ?? 0] : [];
  });
}

/** The key that begins at a place of the text, as Go prints it. */
function keyText(text: string, start: number): string {
  const key = /^(?:"[^"]*"|'[^']*'|[^:,}\n]*)/.exec(text.slice(start))?.[0].trim() ?? "";
  if (/^(y|yes|true|on)$/i.test(key)) return "true";
  if (/^(n|no|false|off)$/i.test(key)) return "false";
  return JSON.stringify(key.replace(/^(["'])(.*)\1$/, "$2"));
}

/** What the Go library says, and whether its scanner says it, which counts lines from one, or its parser, from zero. */
const SAYINGS: Partial<Record<YAMLParseError["code"], readonly [text: string, by: "scanner" | "parser"]>> = {
  TAB_AS_INDENT: ["found character that cannot start any token", "scanner"],
  BLOCK_AS_IMPLICIT_KEY: ["mapping values are not allowed in this context", "scanner"],
  MULTILINE_IMPLICIT_KEY: ["could not find expected ':'", "scanner"],
  BAD_SCALAR_START: ["found character that cannot start any token", "scanner"],
  BAD_DQ_ESCAPE: ["found unknown escape character", "scanner"],
  BAD_INDENT: ["did not find expected key", "parser"],
  UNEXPECTED_TOKEN: ["did not find expected <document start>", "parser"],
};

function syntaxText(
  { code, message, pos: [start] }: YAMLParseError,
  text: string,
  lines: LineCounter,
): string {
  const { line } = lines.linePos(start);
  if (code === "BAD_INDENT" && message.startsWith("Flow")) return unclosed(text, lines);
  if (code === "MISSING_CHAR" && message.includes("quote")) {
    return atLine(lines.linePos(text.length).line, "found unexpected end of stream");
  }
  if (code === "MISSING_CHAR") return unclosed(text, lines);
  const [saying, by] = SAYINGS[code] ?? [message.split("\n")[0] ?? "", "scanner"];
  return atLine(by === "scanner" ? line : line - 1, saying);
}

function unclosed(text: string, lines: LineCounter): string {
  const closer = text.lastIndexOf("[") > text.lastIndexOf("{") ? "]" : "}";
  return atLine(lines.linePos(text.length).line, `did not find expected ',' or '${closer}'`);
}

/** The first line goes without saying, except at the end of a text. */
const atLine = (line: number, text: string): string =>
  line <= 1 && !text.startsWith("did not find expected ','") ? text : `line ${line}: ${text}`;

import { Composer, type Document, LineCounter, Parser, visit, type YAMLError } from "yaml";
import { isTooDeep } from "./nesting.ts";

/** A document of a YAML stream. */
export interface YamlDocument {
  readonly value: unknown;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** What a YAML stream holds up to the first document that cannot be read. */
export interface YamlStream {
  readonly documents: readonly YamlDocument[];
  /** Why reading stopped, in the words of the Go parser that Kubernetes' tools use: `yaml: line 4: …`. */
  readonly error?: string;
}

/** Most alias expansions of a document: past this it is an attack ("billion laughs"). */
const maxAliases = 1000;
/** Each alias looks through the nodes before it: so many looks take well below a second. */
const maxAliasLooks = 20_000_000;

/**
 * Reads YAML 1.1 as Kubernetes' tools do: `yes` is true, `0644` is octal, dates stay text, repeated keys are let through.
 * `wordsAreText`: `yes`, `off`, `y` and the like are text, as kustomize reads resources and patches.
 */
export function readYaml(text: string, { wordsAreText = false } = {}): YamlStream {
  const lineCounter = new LineCounter();
  const composer = new Composer({
    version: "1.1",
    uniqueKeys: false,
    merge: true,
    lineCounter,
    prettyErrors: false,
    customTags: (tags) =>
      tags
        .filter((tag) => typeof tag === "string" || !isGoText(tag))
        .map((tag) => (typeof tag !== "string" && isPlainFloat(tag) ? withTest(tag, plainFloat) : tag))
        .map((tag) =>
          wordsAreText && typeof tag !== "string" && isBoolean(tag) ? withTest(tag, plainBoolean(tag)) : tag,
        ),
  });
  const documents: YamlDocument[] = [];
  // One document at a time: as nodes it takes some forty times the memory of its text.
  for (const document of composer.compose(new Parser(lineCounter.addNewLine).parse(text))) {
    const error = document.errors[0];
    if (error !== undefined)
      return { documents, error: unclosed(error, text) ?? goMessage(error, lineCounter) };
    if (aliasLooks(document) > maxAliasLooks)
      return { documents, error: "yaml: document contains excessive aliasing" };
    const start = document.contents?.range?.[0] ?? document.range?.[0] ?? 0;
    try {
      const value: unknown = (document as Document).toJS({ maxAliasCount: maxAliases });
      if (isTooDeep(value)) return { documents, error: "yaml: exceeded max depth" };
      if (value !== null && value !== undefined)
        documents.push({ value, line: lineCounter.linePos(start).line });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const anchor = /Unresolved alias.*: (\S+)/.exec(message)?.[1];
      return {
        documents,
        error: anchor === undefined ? `yaml: ${message}` : `yaml: unknown anchor '${anchor}' referenced`,
      };
    }
  }
  return { documents };
}

function aliasLooks(document: Document.Parsed): number {
  let nodes = 0;
  let looks = 0;
  visit(document, {
    Node() {
      nodes++;
    },
    Alias() {
      looks += nodes;
    },
  });
  return looks;
}

/** Types of YAML 1.1 that the Go parser leaves as text: times of day and dates. */
function isGoText(tag: { tag: string; format?: string }): boolean {
  return tag.tag === "tag:yaml.org,2002:timestamp" || tag.format === "TIME";
}

const isBoolean = ({ tag, test }: { tag: string; test?: RegExp }): boolean =>
  tag === "tag:yaml.org,2002:bool" && test !== undefined;

const plainBoolean = ({ test }: { test?: RegExp }): RegExp =>
  test?.test("true") === true ? /^(?:true|True|TRUE)$/ : /^(?:false|False|FALSE)$/;

/** A lone dot, the path of many an Application, is no number. */
const plainFloat = /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/;
const withTest = <T extends object>(tag: T, test: RegExp): T => ({ ...tag, test });
const isPlainFloat = ({ tag, test }: { tag: string; test?: RegExp }): boolean =>
  tag === "tag:yaml.org,2002:float" && test?.test(".") === true;

/** ⚠ Of a list or map in brackets that is never closed the Go parser tells at the end of the text. */
function unclosed({ message, pos: [at] }: YAMLError, text: string): string | undefined {
  const end = /^Flow (?:map|sequence)\b.*end with a ([\]}])$/.exec(message)?.[1];
  if (end === undefined || text.includes(end, at)) return undefined;
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  const last = text.replace(/#.*$/gm, "").trimEnd().at(-1) ?? "";
  const problem = "[{,:".includes(last)
    ? "did not find expected node content"
    : `did not find expected ',' or '${end}'`;
  return `yaml: line ${lines}: ${problem}`;
}

/**
 * The Go parser's words for an error. It counts lines from 0 in its parser and from 1 in its scanner, and leaves a zero
 * out; wording follows what kind of error it is, which our parser's code tells.
 */
function goMessage(error: YAMLError, lineCounter: LineCounter): string {
  const line = lineCounter.linePos(error.pos[0]).line - 1;
  const scanner = (problem: string) => `yaml: ${line > 0 ? `line ${line + 1}: ` : ""}${problem}`;
  const parser = (problem: string) => `yaml: ${line > 0 ? `line ${line}: ` : ""}${problem}`;
  switch (error.code) {
    case "TAB_AS_INDENT":
    case "BAD_SCALAR_START":
      return scanner("found character that cannot start any token");
    case "BLOCK_AS_IMPLICIT_KEY":
      return scanner("mapping values are not allowed in this context");
    case "BAD_DQ_ESCAPE":
      return scanner("found unknown escape character");
    case "BAD_ALIAS":
      return scanner("did not find expected alphabetic or numeric character");
    case "BLOCK_IN_FLOW":
    case "MULTILINE_IMPLICIT_KEY":
      return scanner("could not find expected ':'");
    case "MISSING_CHAR":
      if (/quote/.test(error.message)) return scanner("found unexpected end of stream");
      if (/followed by|map value/.test(error.message)) return scanner("could not find expected ':'");
      return parser(`did not find expected ',' or '${/\}|map/.test(error.message) ? "}" : "]"}'`);
    default:
      return parser("did not find expected key");
  }
}

import { isObject } from "@tracegate/kube";
import { functions, goText, isTrue } from "./go-functions.ts";

/** Why a template could not be filled in. */
export class TemplateError extends Error {
  constructor(template: string, reason: string) {
    super(`failed to execute go template ${template}: ${reason}`);
    this.name = "TemplateError";
  }
}

interface Filling {
  readonly template: string;
  readonly missingKey: "default" | "error";
  /** `$`. */
  readonly root: unknown;
}

type Block = "if" | "with" | "range";
type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly body: string }
  | {
      readonly kind: Block;
      readonly body: string;
      readonly whenTrue: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/**
 * The part of Go's text/template that Application templates need: fields, literals, calls, pipelines, `if`, `with` and
 * `range`. Variables, nested templates and functions that are not listed are refused by name.
 */
export function fillGoTemplate(
  text: string,
  params: unknown,
  options: { missingKey: "default" | "error" },
): string {
  if (!text.includes("{{")) return text;
  const filling: Filling = { template: text, missingKey: options.missingKey, root: params };
  const pieces = split(text);
  const { nodes, end } = parse(pieces, 0, text);
  if (end < pieces.length) throw new TemplateError(text, "unexpected {{end}}");
  return render(nodes, params, filling);
}

type Piece = Extract<Node, { kind: "text" | "action" }>;

/** Text and actions in turn; comments are gone, blanks beside `{{-` and `-}}` too. */
function split(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (;;) {
    const open = text.indexOf("{{", at);
    if (open < 0) return [...pieces, { kind: "text", text: text.slice(at) }];
    const close = text.indexOf("}}", open);
    if (close < 0) throw new TemplateError(text, "unclosed action");
    let body = text.slice(open + 2, close);
    let before = text.slice(at, open);
    if (/^-\s/.test(body)) {
      before = before.trimEnd();
      body = body.slice(1);
    }
    at = close + 2;
    if (/\s-$/.test(body)) {
      body = body.slice(0, -1);
      while (/\s/.test(text.charAt(at))) at++;
    }
    pieces.push({ kind: "text", text: before });
    if (!/^\s*\/\*[\s\S]*\*\/\s*$/.test(body)) pieces.push({ kind: "action", body: body.trim() });
  }
}

/** Nodes up to the `{{end}}` or `{{else …}}` that closes them, and where that stands. */
function parse(pieces: readonly Piece[], from: number, template: string): { nodes: Node[]; end: number } {
  const nodes: Node[] = [];
  for (let at = from; at < pieces.length; at++) {
    const piece = pieces[at];
    if (piece === undefined) break;
    const word = piece.kind === "action" ? (/^[a-z]+/.exec(piece.body)?.[0] ?? "") : "";
    if (piece.kind === "text" || !["if", "with", "range", "else", "end"].includes(word)) {
      nodes.push(piece);
      continue;
    }
    if (word === "end" || word === "else") return { nodes, end: at };
    const block = parseBlock(pieces, at, word as Block, piece.body.slice(word.length), template); // one of the three
    nodes.push(block.node);
    at = block.end;
  }
  return { nodes, end: pieces.length };
}

function parseBlock(
  pieces: readonly Piece[],
  from: number,
  kind: Block,
  body: string,
  template: string,
): { node: Node; end: number } {
  if (/^[^"`]*:=/.test(body)) throw new TemplateError(template, `variables of {{${kind}}} are not supported`);
  const whenTrue = parse(pieces, from + 1, template);
  const closing = pieces[whenTrue.end];
  if (closing?.kind !== "action") throw new TemplateError(template, "unexpected EOF");
  if (closing.body === "end")
    return { node: { kind, body, whenTrue: whenTrue.nodes, otherwise: [] }, end: whenTrue.end };
  const chained = /^else\s+if\b/.exec(closing.body)?.[0];
  if (chained !== undefined) {
    const { node, end } = parseBlock(
      pieces,
      whenTrue.end,
      "if",
      closing.body.slice(chained.length),
      template,
    );
    return { node: { kind, body, whenTrue: whenTrue.nodes, otherwise: [node] }, end };
  }
  const otherwise = parse(pieces, whenTrue.end + 1, template);
  const last = pieces[otherwise.end];
  if (last?.kind !== "action" || last.body !== "end") throw new TemplateError(template, "unexpected EOF");
  return { node: { kind, body, whenTrue: whenTrue.nodes, otherwise: otherwise.nodes }, end: otherwise.end };
}

function render(nodes: readonly Node[], dot: unknown, filling: Filling): string {
  return nodes.map((node) => renderNode(node, dot, filling)).join("");
}

function renderNode(node: Node, dot: unknown, filling: Filling): string {
  if (node.kind === "text") return node.text;
  const value = evaluate(node.body, dot, filling);
  if (node.kind === "action") return goText(value);
  if (!isTrue(value)) return render(node.otherwise, dot, filling);
  if (node.kind === "range") {
    const items = Array.isArray(value)
      ? value
      : isObject(value)
        ? Object.keys(value)
            .sort()
            .map((key) => value[key])
        : [];
    return items.map((item) => render(node.whenTrue, item, filling)).join("");
  }
  return render(node.whenTrue, node.kind === "with" ? value : dot, filling);
}

type Token = {
  readonly kind: "field" | "root" | "text" | "number" | "word" | "mark";
  readonly value: string;
};

function tokenize(body: string, template: string): Token[] {
  const tokens: Token[] = [];
  const pattern =
    /\s*(?:(\$?\.[\w.-]*|\$)|("(?:[^"\\]|\\.)*"|`[^`]*`)|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*)|([()|]))/y;
  while (body.slice(pattern.lastIndex).trim() !== "") {
    const from = pattern.lastIndex;
    const match = pattern.exec(body);
    if (match === null)
      throw new TemplateError(template, `unexpected "${body.slice(from).trim().charAt(0)}" in operand`);
    const [, field, text, number, word, mark] = match;
    if (field !== undefined)
      tokens.push({ kind: field.startsWith("$") ? "root" : "field", value: field.replace(/^\$/, "") });
    else if (text !== undefined)
      tokens.push({
        kind: "text",
        value: text.startsWith('"') ? String(JSON.parse(text)) : text.slice(1, -1),
      });
    else if (number !== undefined) tokens.push({ kind: "number", value: number });
    else if (word !== undefined) tokens.push({ kind: "word", value: word });
    else tokens.push({ kind: "mark", value: mark ?? "" });
  }
  return tokens;
}

function evaluate(body: string, dot: unknown, { template, missingKey, root }: Filling): unknown {
  const tokens = tokenize(body, template);
  let at = 0;

  function pipeline(): unknown {
    let value = command([]);
    while (tokens[at]?.value === "|" && tokens[at]?.kind === "mark") {
      at++;
      value = command([value]);
    }
    return value;
  }

  function command(piped: readonly unknown[]): unknown {
    const head = tokens[at];
    if (head?.kind === "word" && head.value !== "true" && head.value !== "false" && head.value !== "nil") {
      at++;
      const given: unknown[] = [];
      while (at < tokens.length && !(tokens[at]?.kind === "mark" && tokens[at]?.value !== "("))
        given.push(operand());
      const call = Object.hasOwn(functions, head.value) ? functions[head.value] : undefined;
      if (call === undefined) {
        const control = ["if", "range", "with", "end", "else", "define", "template", "block"].includes(
          head.value,
        );
        throw new TemplateError(
          template,
          control ? `{{${head.value}}} is not supported` : `function "${head.value}" not defined`,
        );
      }
      return call(
        [...given, ...piped],
        (reason) => new TemplateError(template, `error calling ${head.value}: ${reason}`),
      );
    }
    const value = operand();
    if (piped.length > 0) throw new TemplateError(template, "non executable command in pipeline");
    return value;
  }

  function operand(): unknown {
    const token = tokens[at++];
    if (token === undefined) throw new TemplateError(template, "missing value for command");
    switch (token.kind) {
      case "field":
        return field(dot, token.value);
      case "root":
        return field(root, token.value);
      case "text":
        return token.value;
      case "number":
        return Number(token.value);
      case "word":
        return token.value === "true" ? true : token.value === "false" ? false : undefined;
      default: {
        if (token.value !== "(") throw new TemplateError(template, `unexpected "${token.value}" in operand`);
        const value = pipeline();
        if (tokens[at++]?.value !== ")") throw new TemplateError(template, "unclosed left paren");
        return value;
      }
    }
  }

  function field(from: unknown, path: string): unknown {
    let value = from;
    for (const key of path.split(".").filter((part) => part !== "")) {
      if (isObject(value) && Object.hasOwn(value, key)) value = value[key];
      else if (missingKey === "error") {
        throw new TemplateError(
          template,
          `template: :1:2: executing "" at <${path}>: map has no entry for key "${key}"`,
        );
      } else return undefined;
    }
    return value;
  }

  const value = pipeline();
  if (at < tokens.length) throw new TemplateError(template, `unexpected "${tokens[at]?.value}" in command`);
  return value;
}

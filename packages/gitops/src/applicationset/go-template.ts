import { isObject } from "@tracegate/kube";
import { functions } from "./go-functions.ts";
import { goText, isTrue } from "./go-values.ts";

/** Why a template could not be filled in. */
export class TemplateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TemplateError";
  }
}

/** A template that is none; `at` is where, told by its line. */
function unparsable(template: string, at: number, reason: string): TemplateError {
  const line = template.slice(0, at).split("\n").length;
  return new TemplateError(`failed to parse template ${template}: template: :${line}: ${reason}`);
}

/** What goes wrong as it is filled in: where it stands, as bytes of its line, and what stands there. */
function unfillable(template: string, at: number, what: string, reason: string): TemplateError {
  const lines = template.slice(0, at).split("\n");
  const place = `${lines.length}:${Buffer.byteLength(lines.at(-1) ?? "")}`;
  return new TemplateError(
    `failed to execute go template ${template}: template: :${place}: executing "" at <${what}>: ${reason}`,
  );
}

interface Filling {
  readonly template: string;
  readonly missingKey: "default" | "error";
  /** `$` under "", and what the template has set; inner blocks have theirs on top. */
  readonly variables: Variables;
}

/** Variables by name, those of enclosing blocks behind those of inner ones. */
interface Variables {
  readonly own: Map<string, unknown>;
  readonly outer?: Variables;
}

const inner = (outer: Variables): Variables => ({ own: new Map(), outer });

function holderOf(variables: Variables, name: string): Map<string, unknown> | undefined {
  if (variables.own.has(name)) return variables.own;
  return variables.outer === undefined ? undefined : holderOf(variables.outer, name);
}

type Block = "if" | "with" | "range";
type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly body: string /** Where the body begins. */; readonly at: number }
  | {
      readonly kind: Block;
      readonly body: string;
      readonly at: number;
      /** Names that the block's value goes by; of a range the last is the element's and the one before it its index or key. */
      readonly names: readonly string[];
      readonly whenTrue: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/**
 * The part of Go's text/template that Application templates need: fields, literals, variables, calls, pipelines, `if`, `with`
 * and `range`. Nested templates and functions that are not listed are refused by name.
 */
export function fillGoTemplate(
  text: string,
  params: unknown,
  options: { missingKey: "default" | "error" },
): string {
  if (!text.includes("{{")) return text;
  const variables: Variables = { own: new Map([["", params]]) };
  const filling: Filling = { template: text, missingKey: options.missingKey, variables };
  const pieces = split(text);
  const { nodes, end } = parse(pieces, 0, text);
  const extra = pieces[end];
  if (extra?.kind === "action") throw unparsable(text, extra.at, `unexpected {{${extra.body}}}`);
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
    if (close < 0) throw unparsable(text, open, "unclosed action");
    let body = text.slice(open + 2, close);
    let start = open + 2;
    let before = text.slice(at, open);
    if (/^-\s/.test(body)) {
      before = before.trimEnd();
      body = body.slice(1);
      start++;
    }
    at = close + 2;
    if (/\s-$/.test(body)) {
      body = body.slice(0, -1);
      while (/\s/.test(text.charAt(at))) at++;
    }
    pieces.push({ kind: "text", text: before });
    if (!/^\s*\/\*[\s\S]*\*\/\s*$/.test(body)) {
      start += body.length - body.trimStart().length;
      pieces.push({ kind: "action", body: body.trim(), at: start });
    }
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
    const opening = { body: piece.body.slice(word.length), at: piece.at + word.length };
    const block = parseBlock(pieces, at, word as Block, opening, template); // one of the three
    nodes.push(block.node);
    at = block.end;
  }
  return { nodes, end: pieces.length };
}

function parseBlock(
  pieces: readonly Piece[],
  from: number,
  kind: Block,
  { body, at }: { readonly body: string; readonly at: number },
  template: string,
): { node: Node; end: number } {
  const [declared = "", first = "", second] = /^\s*\$(\w+)(?:\s*,\s*\$(\w+))?\s*:=/.exec(body) ?? [];
  const names = declared === "" ? [] : second === undefined ? [first] : [first, second];
  const whenTrue = parse(pieces, from + 1, template);
  const closing = pieces[whenTrue.end];
  if (closing?.kind !== "action") throw unparsable(template, template.length, "unexpected EOF");
  const head = { kind, body: body.slice(declared.length), at: at + declared.length, names };
  if (closing.body === "end")
    return { node: { ...head, whenTrue: whenTrue.nodes, otherwise: [] }, end: whenTrue.end };
  const chained = /^else\s+if\b/.exec(closing.body)?.[0];
  if (chained !== undefined) {
    const opening = { body: closing.body.slice(chained.length), at: closing.at + chained.length };
    const { node, end } = parseBlock(pieces, whenTrue.end, "if", opening, template);
    return { node: { ...head, whenTrue: whenTrue.nodes, otherwise: [node] }, end };
  }
  const otherwise = parse(pieces, whenTrue.end + 1, template);
  const last = pieces[otherwise.end];
  if (last?.kind !== "action" || last.body !== "end")
    throw unparsable(template, template.length, "unexpected EOF");
  return {
    node: { ...head, whenTrue: whenTrue.nodes, otherwise: otherwise.nodes },
    end: otherwise.end,
  };
}

function render(nodes: readonly Node[], dot: unknown, filling: Filling): string {
  return nodes.map((node) => renderNode(node, dot, filling)).join("");
}

function renderNode(node: Node, dot: unknown, filling: Filling): string {
  if (node.kind === "text") return node.text;
  if (node.kind === "action") return renderAction(node, dot, filling);
  const within = { ...filling, variables: inner(filling.variables) };
  const value = evaluate(node, dot, filling);
  const [name] = node.names;
  if (name !== undefined && node.kind !== "range") within.variables.own.set(name, value);
  if (!isTrue(value)) return render(node.otherwise, dot, within);
  if (node.kind !== "range") return render(node.whenTrue, node.kind === "with" ? value : dot, within);
  return entriesOf(value)
    .map(([key, item]) => {
      const own = { ...filling, variables: inner(filling.variables) };
      for (const [at, called] of node.names.toReversed().entries())
        own.variables.own.set(called, at === 0 ? item : key);
      return render(node.whenTrue, item, own);
    })
    .join("");
}

/** `{{ $x := … }}` and `{{ $x = … }}` print nothing. */
function renderAction(action: Expression, dot: unknown, filling: Filling): string {
  const { body, at } = action;
  const [assigned = "", name = "", colon = ""] = /^\$(\w+)\s*(:?)=/.exec(body) ?? [];
  if (assigned === "") return goText(evaluate(action, dot, filling));
  const value = evaluate({ body: body.slice(assigned.length), at: at + assigned.length }, dot, filling);
  const { variables, template } = filling;
  const holder = colon === ":" ? variables.own : holderOf(variables, name);
  if (holder === undefined) throw unparsable(template, at, `undefined variable "$${name}"`);
  holder.set(name, value);
  return "";
}

/** What a range goes through, with indices or keys; a number counts up to itself. */
function entriesOf(value: unknown): (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return [...value.entries()];
  if (typeof value === "number") return Array.from({ length: value }, (_, at) => [at, at]);
  if (!isObject(value)) return [];
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}

type Token = {
  readonly kind: "field" | "variable" | "text" | "number" | "word" | "mark";
  readonly value: string;
  /** Where it stands in the template. */
  readonly at: number;
  /** Nothing stands before it: the field of what is in the brackets. */
  readonly glued?: boolean;
};

/** What stands in an action or at the head of a block, and where. */
interface Expression {
  readonly body: string;
  readonly at: number;
}

function tokenize({ body, at: start }: Expression, template: string): Token[] {
  const tokens: Token[] = [];
  const pattern =
    /\s*(?:(\$\w*(?:\.[\w.-]*)?|\.[\w.-]*)|("(?:[^"\\]|\\.)*"|`[^`]*`)|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*)|([()|]))/y;
  while (body.slice(pattern.lastIndex).trim() !== "") {
    const from = pattern.lastIndex;
    const match = pattern.exec(body);
    if (match === null)
      throw unparsable(
        template,
        start + from,
        `unexpected "${body.slice(from).trim().charAt(0)}" in operand`,
      );
    const [, field, text, number, word, mark] = match;
    const at = start + from + match[0].length - match[0].trimStart().length;
    if (field !== undefined) {
      const kind = field.startsWith("$") ? "variable" : "field";
      tokens.push({ kind, value: field.replace(/^\$/, ""), at, glued: match[0] === field });
    } else if (text !== undefined)
      tokens.push({
        kind: "text",
        value: text.startsWith('"') ? String(JSON.parse(text)) : text.slice(1, -1),
        at,
      });
    else if (number !== undefined) tokens.push({ kind: "number", value: number, at });
    else if (word !== undefined) tokens.push({ kind: "word", value: word, at });
    else tokens.push({ kind: "mark", value: mark ?? "", at });
  }
  return tokens;
}

function evaluate(
  expression: Expression,
  dot: unknown,
  { template, missingKey, variables }: Filling,
): unknown {
  const tokens = tokenize(expression, template);
  const end = expression.at + expression.body.length;
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
        const control = ["end", "else", "define", "template", "block", "break", "continue"].includes(
          head.value,
        );
        throw unparsable(
          template,
          head.at,
          control ? `{{${head.value}}} is not supported` : `function "${head.value}" not defined`,
        );
      }
      const written = template.slice(head.at, tokens[at]?.at ?? end).trim();
      return call([...given, ...piped], (reason) =>
        unfillable(template, head.at, written, `error calling ${head.value}: ${reason}`),
      );
    }
    const value = operand();
    if (piped.length > 0)
      throw unparsable(template, head?.at ?? end, "non executable command in pipeline stage 2");
    return value;
  }

  function operand(): unknown {
    const token = tokens[at++];
    if (token === undefined) throw unparsable(template, end, "missing value for command");
    switch (token.kind) {
      case "field":
        return field(dot, token.value, token.at);
      case "variable": {
        const [name = ""] = token.value.split(".");
        const holder = holderOf(variables, name);
        if (holder === undefined) throw unparsable(template, token.at, `undefined variable "$${name}"`);
        return field(holder.get(name), token.value.slice(name.length), token.at + 1 + name.length);
      }
      case "text":
        return token.value;
      case "number":
        return Number(token.value);
      case "word":
        return token.value === "true" ? true : token.value === "false" ? false : undefined;
      default: {
        if (token.value !== "(")
          throw unparsable(template, token.at, `unexpected "${token.value}" in operand`);
        const value = pipeline();
        if (tokens[at++]?.value !== ")") throw unparsable(template, token.at, "unclosed left paren");
        const next = tokens[at];
        if (next?.kind !== "field" || next.glued !== true) return value;
        at++;
        return field(value, next.value, next.at);
      }
    }
  }

  /** ⚠ Of a path of several parts the original tells where the second one stands. */
  function field(from: unknown, path: string, place: number): unknown {
    let value = from;
    for (const key of path.split(".").filter((part) => part !== "")) {
      if (isObject(value) && Object.hasOwn(value, key)) value = value[key];
      else if (missingKey === "error") {
        const second = path.indexOf(".", 1);
        throw unfillable(template, place + Math.max(0, second), path, `map has no entry for key "${key}"`);
      } else return undefined;
    }
    return value;
  }

  const value = pipeline();
  const rest = tokens[at];
  if (rest !== undefined) throw unparsable(template, rest.at, `unexpected "${rest.value}" in command`);
  return value;
}

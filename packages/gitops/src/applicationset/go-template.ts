import { isObject } from "@tracegate/kube";
import { functions } from "./go-functions.ts";
import { goText, isTrue } from "./go-values.ts";

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
  | { readonly kind: "action"; readonly body: string }
  | {
      readonly kind: Block;
      readonly body: string;
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
  const [declared = "", first = "", second] = /^\s*\$(\w+)(?:\s*,\s*\$(\w+))?\s*:=/.exec(body) ?? [];
  const names = declared === "" ? [] : second === undefined ? [first] : [first, second];
  const whenTrue = parse(pieces, from + 1, template);
  const closing = pieces[whenTrue.end];
  if (closing?.kind !== "action") throw new TemplateError(template, "unexpected EOF");
  if (closing.body === "end")
    return {
      node: { kind, body: body.slice(declared.length), names, whenTrue: whenTrue.nodes, otherwise: [] },
      end: whenTrue.end,
    };
  const chained = /^else\s+if\b/.exec(closing.body)?.[0];
  if (chained !== undefined) {
    const { node, end } = parseBlock(
      pieces,
      whenTrue.end,
      "if",
      closing.body.slice(chained.length),
      template,
    );
    return {
      node: { kind, body: body.slice(declared.length), names, whenTrue: whenTrue.nodes, otherwise: [node] },
      end,
    };
  }
  const otherwise = parse(pieces, whenTrue.end + 1, template);
  const last = pieces[otherwise.end];
  if (last?.kind !== "action" || last.body !== "end") throw new TemplateError(template, "unexpected EOF");
  return {
    node: {
      kind,
      body: body.slice(declared.length),
      names,
      whenTrue: whenTrue.nodes,
      otherwise: otherwise.nodes,
    },
    end: otherwise.end,
  };
}

function render(nodes: readonly Node[], dot: unknown, filling: Filling): string {
  return nodes.map((node) => renderNode(node, dot, filling)).join("");
}

function renderNode(node: Node, dot: unknown, filling: Filling): string {
  if (node.kind === "text") return node.text;
  if (node.kind === "action") return renderAction(node.body, dot, filling);
  const within = { ...filling, variables: inner(filling.variables) };
  const value = evaluate(node.body, dot, filling);
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
function renderAction(body: string, dot: unknown, filling: Filling): string {
  const [assigned = "", name = "", colon = ""] = /^\$(\w+)\s*(:?)=/.exec(body) ?? [];
  if (assigned === "") return goText(evaluate(body, dot, filling));
  const value = evaluate(body.slice(assigned.length), dot, filling);
  const { variables, template } = filling;
  const holder = colon === ":" ? variables.own : holderOf(variables, name);
  if (holder === undefined) throw new TemplateError(template, `undefined variable "$${name}"`);
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
  /** Nothing stands before it: the field of what is in the brackets. */
  readonly glued?: boolean;
};

function tokenize(body: string, template: string): Token[] {
  const tokens: Token[] = [];
  const pattern =
    /\s*(?:(\$\w*(?:\.[\w.-]*)?|\.[\w.-]*)|("(?:[^"\\]|\\.)*"|`[^`]*`)|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*)|([()|]))/y;
  while (body.slice(pattern.lastIndex).trim() !== "") {
    const from = pattern.lastIndex;
    const match = pattern.exec(body);
    if (match === null)
      throw new TemplateError(template, `unexpected "${body.slice(from).trim().charAt(0)}" in operand`);
    const [, field, text, number, word, mark] = match;
    if (field !== undefined) {
      const kind = field.startsWith("$") ? "variable" : "field";
      tokens.push({ kind, value: field.replace(/^\$/, ""), glued: match[0] === field });
    } else if (text !== undefined)
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

function evaluate(body: string, dot: unknown, { template, missingKey, variables }: Filling): unknown {
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
        const control = ["end", "else", "define", "template", "block", "break", "continue"].includes(
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
      case "variable": {
        const [name = ""] = token.value.split(".");
        const holder = holderOf(variables, name);
        if (holder === undefined) throw new TemplateError(template, `undefined variable "$${name}"`);
        return field(holder.get(name), token.value.slice(name.length));
      }
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
        const next = tokens[at];
        if (next?.kind !== "field" || next.glued !== true) return value;
        at++;
        return field(value, next.value);
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

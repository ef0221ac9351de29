import { isObject } from "@tracegate/kube";

/** Why a template could not be filled in. */
export class TemplateError extends Error {
  constructor(template: string, reason: string) {
    super(`failed to execute go template ${template}: ${reason}`);
    this.name = "TemplateError";
  }
}

/**
 * The part of Go's text/template that Application templates need: fields, literals, calls and pipelines. Control
 * structures (`if`, `range`, …) and functions that are not listed below are refused by name.
 */
export function fillGoTemplate(
  text: string,
  params: unknown,
  options: { missingKey: "default" | "error" },
): string {
  let output = "";
  let at = 0;
  for (;;) {
    const open = text.indexOf("{{", at);
    if (open < 0) return output + text.slice(at);
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
    output += before;
    if (!/^\s*\/\*[\s\S]*\*\/\s*$/.test(body))
      output += goText(evaluate(body, params, text, options.missingKey));
  }
}

type Token = { readonly kind: "field" | "text" | "number" | "word" | "mark"; readonly value: string };

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
    if (field !== undefined) tokens.push({ kind: "field", value: field.replace(/^\$/, "") });
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

function evaluate(body: string, params: unknown, template: string, missingKey: "default" | "error"): unknown {
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
        return field(token.value);
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

  function field(path: string): unknown {
    let value = params;
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

type Call = (args: readonly unknown[], fail: (reason: string) => Error) => unknown;

const text = (value: unknown): string => (value === undefined || value === null ? "" : goText(value));

const functions: Readonly<Record<string, Call>> = {
  index([root, ...keys], fail) {
    let value = root;
    for (const key of keys) {
      if (Array.isArray(value)) {
        if (typeof key !== "number" || key < 0 || key >= value.length)
          throw fail(`index out of range: ${text(key)}`);
        value = value[key];
      } else value = isObject(value) ? value[text(key)] : undefined;
    }
    return value;
  },
  lower: ([value]) => text(value).toLowerCase(),
  upper: ([value]) => text(value).toUpperCase(),
  trim: ([value]) => text(value).trim(),
  trimPrefix: ([prefix, value]) =>
    text(value).startsWith(text(prefix)) ? text(value).slice(text(prefix).length) : text(value),
  trimSuffix: ([suffix, value]) =>
    text(suffix) !== "" && text(value).endsWith(text(suffix))
      ? text(value).slice(0, -text(suffix).length)
      : text(value),
  replace: ([from, to, value]) => text(value).split(text(from)).join(text(to)),
  trunc: ([count, value]) =>
    Number(count) < 0 ? text(value).slice(Number(count)) : text(value).slice(0, Number(count)),
  default: ([fallback, value]) =>
    value === undefined || value === "" || value === 0 || value === false ? fallback : value,
  quote: ([value]) => JSON.stringify(text(value)),
  splitList: ([separator, value]) => text(value).split(text(separator)),
  join: ([separator, list]) => (Array.isArray(list) ? list.map(text).join(text(separator)) : text(list)),
  first: ([list]) => (Array.isArray(list) ? list[0] : undefined),
  last: ([list]) => (Array.isArray(list) ? list.at(-1) : undefined),
  toString: (args: readonly unknown[]) => text(args[0]),
  printf: ([format, ...values]) => {
    let next = 0;
    return text(format).replace(/%([sdvq%])/g, (_whole, verb: string) => {
      if (verb === "%") return "%";
      const value = text(values[next++]);
      return verb === "q" ? JSON.stringify(value) : value;
    });
  },
  normalize: ([value]) => normalizeName(text(value)),
};

/** Lower case, what no DNS name may hold replaced by `-`, at most 253 characters. */
export function normalizeName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^-a-z0-9.]/g, "-")
    .slice(0, 253)
    .replace(/^[-.]+|[-.]+$/g, "");
}

/** How Go prints a value. */
function goText(value: unknown): string {
  if (value === undefined || value === null) return "<no value>";
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (isObject(value)) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, child]) => `${key}:${goText(child)}`).join(" ")}]`;
  }
  return String(value);
}

/** Where something stands in a query: offsets into its text, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** `line:column`, both from 1, of an offset. */
export function lineColumn(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return `${line}:${offset - before.lastIndexOf("\n")}`;
}

/** A query that cannot be read. The message carries the position, in Prometheus' words. */
export class ParseError extends Error {
  readonly span: Span;
  constructor(text: string, span: Span, what: string) {
    // A span of nothing at the very start stands for "somewhere": the empty query.
    const where = span.start === 0 && span.end === 0 ? "unknown position" : lineColumn(text, span.start);
    super(`${where}: parse error: ${what}`);
    this.name = "ParseError";
    this.span = span;
  }
}

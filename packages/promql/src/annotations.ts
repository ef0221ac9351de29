import { lineColumn, type Span } from "./position.ts";

/** What is worth telling about a query that has a result all the same. Each text once, in order of appearance. */
export class Annotations {
  readonly #text: string;
  readonly #warnings = new Set<string>();
  readonly #infos = new Set<string>();

  constructor(text: string) {
    this.#text = text;
  }

  warn(what: string, { start }: Span): void {
    this.#warnings.add(`PromQL warning: ${what} (${lineColumn(this.#text, start)})`);
  }

  info(what: string, { start }: Span): void {
    this.#infos.add(`PromQL info: ${what} (${lineColumn(this.#text, start)})`);
  }

  get warnings(): string[] {
    return [...this.#warnings];
  }

  get infos(): string[] {
    return [...this.#infos];
  }
}

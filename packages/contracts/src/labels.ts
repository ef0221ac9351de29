/**
 * A set of labels: names sorted and unique, no empty values (an empty value is the same as no label). Never changed
 * after it is made, so it can be shared, and its key computed once. Compare by `key`, not by identity.
 */
export class Labels {
  static readonly empty: Labels = new Labels([]);

  /** name, value, name, value, … in the order of the names' UTF-16 code units. */
  readonly pairs: readonly string[];
  #key: string | undefined;
  #nameless: Labels | undefined;

  private constructor(pairs: readonly string[]) {
    this.pairs = pairs;
  }

  /** Takes pairs that are already sorted, unique and without empty values; keeps the array itself. */
  static fromSorted(pairs: readonly string[]): Labels {
    return pairs.length === 0 ? Labels.empty : new Labels(pairs);
  }

  /** Sorts, drops empty values; of a name given twice the last one counts. */
  static from(source: Readonly<Record<string, string>> | Iterable<readonly [string, string]>): Labels {
    const entries = Symbol.iterator in source ? source : Object.entries(source);
    const byName = new Map<string, string>();
    for (const [name, value] of entries as Iterable<readonly [string, string]>) byName.set(name, value);
    const pairs: string[] = [];
    for (const name of [...byName.keys()].sort()) {
      const value = byName.get(name);
      if (value) pairs.push(name, value);
    }
    return Labels.fromSorted(pairs);
  }

  get size(): number {
    return this.pairs.length / 2;
  }

  /** The label's value, or the empty string. */
  get(name: string): string {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1] ?? "";
    return "";
  }

  has(name: string): boolean {
    return this.get(name) !== "";
  }

  /** The metric name, or the empty string. */
  get name(): string {
    return this.get(METRIC_NAME);
  }

  /** The set without the metric name; made once, since most of what is computed from series drops it. */
  get nameless(): Labels {
    this.#nameless ??= this.without(METRIC_NAME);
    return this.#nameless;
  }

  /** One string for the whole set; two sets are equal exactly when their keys are. */
  get key(): string {
    // U+FFFF is a noncharacter: text that came in as UTF-8 from a peer does not hold it, so joins cannot collide.
    this.#key ??= this.pairs.join("\uffff");
    return this.#key;
  }

  /** The set with some labels replaced; an empty value removes the label. */
  with(changes: Readonly<Record<string, string>>): Labels {
    return Labels.from([...this.entries(), ...Object.entries(changes)]);
  }

  without(...names: readonly string[]): Labels {
    return this.filter((name) => !names.includes(name));
  }

  /** Labels whose name passes; order is kept, so nothing is sorted again. */
  filter(keep: (name: string) => boolean): Labels {
    const { pairs } = this;
    const kept: string[] = [];
    for (let i = 0; i < pairs.length; i += 2) {
      const name = pairs[i] ?? "";
      if (keep(name)) kept.push(name, pairs[i + 1] ?? "");
    }
    return kept.length === pairs.length ? this : Labels.fromSorted(kept);
  }

  *entries(): Generator<[string, string]> {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) yield [pairs[i] ?? "", pairs[i + 1] ?? ""];
  }

  toRecord(): Record<string, string> {
    return Object.fromEntries(this.entries());
  }

  /** `name{a="b"}`, as Prometheus prints a series. */
  toString(): string {
    const inner: string[] = [];
    let name = "";
    for (const [label, value] of this.entries()) {
      if (label === METRIC_NAME && isPlainMetricName(value)) name = value;
      else inner.push(`${isPlainLabelName(label) ? label : quote(label)}=${quote(value)}`);
    }
    return inner.length === 0 && name !== "" ? name : `${name}{${inner.join(", ")}}`;
  }
}

/** The label that holds the metric's name. */
export const METRIC_NAME = "__name__";

/** Lexicographic over the sorted pairs; a prefix comes first. */
export function compareLabels(a: Labels, b: Labels): number {
  const n = Math.min(a.pairs.length, b.pairs.length);
  for (let i = 0; i < n; i++) {
    const x = a.pairs[i] ?? "";
    const y = b.pairs[i] ?? "";
    if (x !== y) return x < y ? -1 : 1;
  }
  return a.pairs.length - b.pairs.length;
}

const isPlainLabelName = (name: string) => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
const isPlainMetricName = (name: string) => /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
const quote = (text: string) =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;

import type { Labels } from "@tracegate/contracts";
import type { CompiledMatcher } from "./matching.ts";

/** Ascending series references. References only grow, so adding at the end keeps the order. */
type Postings = number[];

/** The inverted index: for each label name and value, which series carry it. */
export class LabelIndex {
  readonly #byName = new Map<string, Map<string, Postings>>();
  #all: Postings = [];

  /** `ref` must be larger than any added before. */
  add(ref: number, labels: Labels): void {
    this.#all.push(ref);
    for (const [name, value] of labels.entries()) {
      let byValue = this.#byName.get(name);
      if (byValue === undefined) {
        byValue = new Map();
        this.#byName.set(name, byValue);
      }
      const postings = byValue.get(value);
      if (postings === undefined) byValue.set(value, [ref]);
      else postings.push(ref);
    }
  }

  remove(gone: ReadonlySet<number>): void {
    const stays = (ref: number) => !gone.has(ref);
    this.#all = this.#all.filter(stays);
    for (const [name, byValue] of this.#byName) {
      for (const [value, postings] of byValue) {
        const kept = postings.filter(stays);
        if (kept.length === 0) byValue.delete(value);
        else byValue.set(value, kept);
      }
      if (byValue.size === 0) this.#byName.delete(name);
    }
  }

  names(): string[] {
    return [...this.#byName.keys()].sort();
  }

  values(name: string): string[] {
    return [...(this.#byName.get(name)?.keys() ?? [])].sort();
  }

  /** How many series carry each value of a label. */
  counts(name: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const [value, postings] of this.#byName.get(name) ?? []) counts.set(value, postings.length);
    return counts;
  }

  /** The series that all matchers accept, ascending. */
  find(matchers: readonly CompiledMatcher[]): readonly number[] {
    let found: readonly number[] | undefined;
    // Matchers that name what must be there narrow the most, so they go first; the rest take away.
    for (const matcher of matchers) {
      if (matcher.acceptsEmpty) continue;
      const postings = this.#accepted(matcher);
      found = found === undefined ? postings : intersect(found, postings);
      if (found.length === 0) return found;
    }
    for (const matcher of matchers) {
      if (!matcher.acceptsEmpty) continue;
      found = subtract(found ?? this.#all, this.#rejected(matcher));
      if (found.length === 0) return found;
    }
    return found ?? this.#all;
  }

  #accepted({ matcher, accepts, candidates }: CompiledMatcher): readonly number[] {
    const byValue = this.#byName.get(matcher.name);
    if (byValue === undefined) return [];
    const lists: Postings[] = [];
    if (candidates !== undefined) {
      for (const value of new Set(candidates)) lists.push(byValue.get(value) ?? []);
    } else {
      for (const [value, postings] of byValue) if (accepts(value)) lists.push(postings);
    }
    return merge(lists);
  }

  #rejected({ matcher, accepts }: CompiledMatcher): readonly number[] {
    const lists: Postings[] = [];
    for (const [value, postings] of this.#byName.get(matcher.name) ?? []) {
      if (!accepts(value)) lists.push(postings);
    }
    return merge(lists);
  }
}

function merge(lists: readonly Postings[]): readonly number[] {
  const [first = [], ...others] = lists.filter((list) => list.length > 0);
  // A series has one value per label, so the lists never share an element.
  return others.length === 0 ? first : lists.flat().sort((a, b) => a - b);
}

function intersect(a: readonly number[], b: readonly number[]): number[] {
  const both: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const x = a[i] ?? 0;
    const y = b[j] ?? 0;
    if (x === y) both.push(x);
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return both;
}

function subtract(a: readonly number[], b: readonly number[]): readonly number[] {
  if (b.length === 0) return a;
  const rest: number[] = [];
  let j = 0;
  for (const x of a) {
    while (j < b.length && (b[j] ?? 0) < x) j++;
    if (b[j] !== x) rest.push(x);
  }
  return rest;
}

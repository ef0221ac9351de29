/**
 * A set of fields of an object, as `managedFields` keeps it (FieldsV1): a tree of path elements, each either in the set
 * itself or only on the way to others.
 *
 * Elements are named as FieldsV1 names them: `f:NAME` a field, `k:{…}` a keyed list element, `v:VALUE` a set element,
 * `i:N` an index.
 */
export interface FieldSet {
  /** Whether the path that leads here is itself in the set (`.` in FieldsV1). */
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const EMPTY_SET: FieldSet = { member: false, children: new Map() };
const LEAF: FieldSet = { member: true, children: new Map() };

export function isEmptySet(set: FieldSet): boolean {
  return !set.member && set.children.size === 0;
}

/** The set of these paths. */
export function setOfPaths(paths: Iterable<readonly string[]>): FieldSet {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.insert(path);
  return builder.build();
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (left, right) => left || right);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (left, right) => left && right);
}

/** What is in `a` and not in `b`: paths below a path of `b` stay. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (left, right) => left && !right);
}

/** What is in `a` and neither in `b` nor below a path of `b`. */
export function differenceBelow(a: FieldSet, b: FieldSet): FieldSet {
  if (b.member) return EMPTY_SET;
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    const kept = other === undefined ? child : differenceBelow(child, other);
    if (!isEmptySet(kept)) children.set(element, kept);
  }
  return { member: a.member, children };
}

/** Every path in the set: at each place first what is owned there, then what lies below. */
export function* pathsOf(set: FieldSet, above: readonly string[] = []): Generator<readonly string[]> {
  for (const [element, child] of sorted(set.children)) if (child.member) yield [...above, element];
  for (const [element, child] of sorted(set.children)) yield* pathsOf(child, [...above, element]);
}

/** FieldsV1: `{"f:data":{".":{},"f:a":{}}}`. */
export function toFieldsV1(set: FieldSet): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [element, child] of sorted(set.children)) {
    const below = toFieldsV1(child);
    const holds = child.children.size > 0;
    fields[element] = child.member && holds ? { ".": {}, ...below } : below;
  }
  return fields;
}

/** The set that FieldsV1 writes. What is no FieldsV1 counts as empty. */
export function fromFieldsV1(fields: unknown): FieldSet {
  return readFields(fields, false);
}

/** Whether all names in a set are of a form that sets have: of fields, keys, values, indices. */
export function isFieldsV1(fields: unknown): boolean {
  if (typeof fields !== "object" || fields === null) return true;
  return Object.entries(fields).every(
    ([name, below]) => (name === "." || /^[fkvi]:/.test(name)) && isFieldsV1(below),
  );
}

/** `.spec.containers[name="c"].image`. */
export function pathText(path: readonly string[]): string {
  return path.map(elementText).join("");
}

export class FieldSetBuilder {
  readonly #root: MutableNode = newNode();

  insert(path: readonly string[]): void {
    let node = this.#root;
    for (const element of path) {
      let child = node.children.get(element);
      if (child === undefined) {
        child = newNode();
        node.children.set(element, child);
      }
      node = child;
    }
    node.member = true;
  }

  build(): FieldSet {
    return this.#root;
  }
}

interface MutableNode {
  member: boolean;
  readonly children: Map<string, MutableNode>;
}

const newNode = (): MutableNode => ({ member: false, children: new Map() });

function combine(a: FieldSet, b: FieldSet, keep: (left: boolean, right: boolean) => boolean): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const element of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combine(a.children.get(element) ?? EMPTY_SET, b.children.get(element) ?? EMPTY_SET, keep);
    if (!isEmptySet(child)) children.set(element, child);
  }
  return { member: keep(a.member, b.member), children };
}

function readFields(fields: unknown, member: boolean): FieldSet {
  if (typeof fields !== "object" || fields === null) return member ? LEAF : EMPTY_SET;
  const children = new Map<string, FieldSet>();
  for (const [element, below] of Object.entries(fields)) {
    if (element === ".") continue;
    const isLeaf = typeof below !== "object" || below === null || Object.keys(below).length === 0;
    const own = isLeaf || Object.hasOwn(below, ".");
    children.set(canonicalElement(element), readFields(below, own));
  }
  return { member, children };
}

/** Keys and values are JSON; another writer's order of members must not matter. */
function canonicalElement(element: string): string {
  if (!element.startsWith("k:")) return element;
  try {
    const keys: unknown = JSON.parse(element.slice(2));
    if (typeof keys !== "object" || keys === null) return element;
    return keyElement(Object.entries(keys));
  } catch {
    return element;
  }
}

/** `k:{"containerPort":80,"protocol":"TCP"}`. */
export function keyElement(keys: readonly (readonly [string, unknown])[]): string {
  const members = [...keys].sort(([a], [b]) => (a < b ? -1 : 1));
  return `k:${JSON.stringify(Object.fromEntries(members))}`;
}

const ORDER = ["f", "k", "v", "i"];

function sorted(children: ReadonlyMap<string, FieldSet>): [string, FieldSet][] {
  const rank = (element: string) => ORDER.indexOf(element[0] ?? "");
  return [...children].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
}

function elementText(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith("f:")) return `.${rest}`;
  if (element.startsWith("v:")) return `[=${rest}]`;
  if (element.startsWith("i:")) return `[${rest}]`;
  const keys: Record<string, unknown> = JSON.parse(rest);
  const parts = Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `[${parts.join(",")}]`;
}

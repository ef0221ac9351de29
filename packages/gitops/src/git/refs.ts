import { StringDecoder } from "node:string_decoder";
import { isFullSha } from "./repositories.ts";

/** Full ref names (`HEAD`, `refs/heads/main`, `refs/tags/v1`) with the commits they name. */
export type Refs = ReadonlyMap<string, string>;

/** Reads `git ls-remote` output. An annotated tag's peeled line (`^{}`) gives the commit. */
export function parseRefs(output: string): Refs {
  const refs = new Map<string, string>();
  const peeled = new Map<string, string>();
  for (const line of output.split("\n")) {
    const [sha, name] = line.split("\t");
    if (sha === undefined || name === undefined) continue;
    if (name.endsWith("^{}")) peeled.set(name.slice(0, -3), sha);
    else refs.set(name, sha);
  }
  for (const [name, sha] of peeled) refs.set(name, sha);
  return refs;
}

/**
 * The refs of a `git ls-remote` that `revision` may name, read as they come: a large repository has hundreds of thousands, a
 * hostile server as many as it likes.
 */
export function refsNaming(revision: string): { add(chunk: Buffer): void; refs(): Refs } {
  const wanted = revision === "" ? "HEAD" : revision;
  const names = new Set([wanted, `refs/heads/${wanted}`, `refs/tags/${wanted}`]);
  const isShort = shortSha.test(wanted);
  const isConstraint = parseConstraint(wanted) !== undefined;
  const mayBeNamed = (line: string) => {
    const name = line.slice(line.indexOf("\t") + 1).replace(/\^\{\}$/, "");
    if (names.has(name) || (isConstraint && release.test(name))) return true;
    // Of a tag its peeled line is needed, too.
    return isShort && (line.startsWith(wanted) || name.startsWith("refs/tags/"));
  };
  const decoder = new StringDecoder("utf8");
  const kept: string[] = [];
  let rest = "";
  return {
    add(chunk) {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (mayBeNamed(line)) kept.push(line);
    },
    refs: () => parseRefs(kept.join("\n")),
  };
}

const shortSha = /^[0-9a-f]{7,39}$/;
const release = /^refs\/tags\/v?(\d+)\.(\d+)\.(\d+)$/;

/** The commit that `revision` names among `refs`, if any. A branch wins over a tag of the same name. */
export function resolveRef(refs: Refs, revision: string): string | undefined {
  const wanted = revision === "" ? "HEAD" : revision;
  if (isFullSha(wanted)) return wanted;
  const named =
    refs.get(wanted === "HEAD" ? "HEAD" : `refs/heads/${wanted}`) ??
    refs.get(`refs/tags/${wanted}`) ??
    refs.get(wanted);
  if (named !== undefined) return named;
  if (shortSha.test(wanted)) {
    for (const sha of refs.values()) if (sha.startsWith(wanted)) return sha;
  }
  return highestTag(refs, wanted);
}

type Version = readonly [number, number, number];

/** The commit of the highest release tag that satisfies a semver constraint such as `1.2.*` or `>=1.0 <2.0`. */
function highestTag(refs: Refs, constraint: string): string | undefined {
  const accepts = parseConstraint(constraint);
  if (accepts === undefined) return undefined;
  let best: { version: Version; sha: string } | undefined;
  for (const [name, sha] of refs) {
    const match = release.exec(name);
    if (match === null) continue;
    const version: Version = [Number(match[1]), Number(match[2]), Number(match[3])];
    if (accepts(version) && (best === undefined || compareVersions(version, best.version) > 0))
      best = { version, sha };
  }
  return best?.sha;
}

function parseConstraint(text: string): ((version: Version) => boolean) | undefined {
  const alternatives = text.split("||").map((part) => parseConjunction(part.trim()));
  if (alternatives.some((alternative) => alternative === undefined)) return undefined;
  return (version) => alternatives.some((alternative) => alternative?.(version) === true);
}

function parseConjunction(text: string): ((version: Version) => boolean) | undefined {
  const terms = text
    .replace(/([<>=!~^]+)\s+/g, "$1")
    .split(/[\s,]+/)
    .filter((term) => term !== "");
  const tests: ((version: Version) => boolean)[] = [];
  for (const term of terms) {
    const match = /^(>=|<=|!=|>|<|=|~|\^)?v?(\d+|\*|x)(?:\.(\d+|\*|x))?(?:\.(\d+|\*|x))?$/i.exec(term);
    if (match === null) return undefined;
    const parts = match
      .slice(2, 5)
      .map((part) => (part === undefined || /[*x]/i.test(part) ? undefined : Number(part)));
    tests.push(termTest(match[1] ?? "=", parts));
  }
  // A plain branch-like word never gets here; an empty text is no constraint.
  return tests.length === 0 ? undefined : (version) => tests.every((test) => test(version));
}

function termTest(operator: string, parts: readonly (number | undefined)[]): (version: Version) => boolean {
  const [major, minor, patch] = parts;
  const low: Version = [major ?? 0, minor ?? 0, patch ?? 0];
  // The first version past everything that the given (possibly partial) number covers.
  const next: Version =
    major === undefined
      ? [Number.POSITIVE_INFINITY, 0, 0]
      : minor === undefined
        ? [major + 1, 0, 0]
        : patch === undefined
          ? [major, minor + 1, 0]
          : [major, minor, patch + 1];
  const atLeast = (version: Version) => compareVersions(version, low) >= 0;
  const below = (limit: Version) => (version: Version) => compareVersions(version, limit) < 0;
  switch (operator) {
    case ">=":
      return atLeast;
    case "<":
      return below(low);
    case ">":
      return (version) => !below(next)(version);
    case "<=":
      return below(next);
    case "!=":
      return (version) => !(atLeast(version) && below(next)(version));
    case "~":
      return (version) =>
        atLeast(version) &&
        below(minor === undefined ? [low[0] + 1, 0, 0] : [low[0], low[1] + 1, 0])(version);
    case "^":
      return (version) =>
        atLeast(version) &&
        below(low[0] > 0 ? [low[0] + 1, 0, 0] : low[1] > 0 ? [0, low[1] + 1, 0] : next)(version);
    default:
      return (version) => atLeast(version) && below(next)(version);
  }
}

function compareVersions(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

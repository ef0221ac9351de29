/** Where a path that a container would have lies on this machine. Longest first. */
export type PathMap = readonly { readonly inside: string; readonly outside: string }[];

export function pathMap(entries: PathMap): PathMap {
  return entries.toSorted((a, b) => b.inside.length - a.inside.length);
}

/**
 * Replaces the container's paths in a word of a command line or an environment variable: without mounts, that is how a
 * program finds its volumes. A path begins a word or follows one of `=:,;"'` or a blank, and ends with itself or a slash.
 */
export function mapPaths(text: string, map: PathMap): string {
  if (map.length === 0) return text;
  const alternatives = map.map(({ inside }) => inside.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return text.replace(
    new RegExp(`(^|[=:,;"'\\s])(${alternatives})(?![^/:,;"'\\s])`, "g"),
    (_, before: string, inside: string) =>
      before + (map.find((entry) => entry.inside === inside)?.outside ?? inside),
  );
}

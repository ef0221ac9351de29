/** What a request asks for, read from method and path alone. */
export interface RequestInfo {
  /** `get`, `list`, `watch`, `create`, …; the method in lower case for other paths. */
  readonly verb: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Absent where the path names no resource. */
  readonly resource?: ResourcePath;
}

export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

const COLLECTION_VERBS: Readonly<Record<string, string>> = {
  GET: "list",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "deletecollection",
};
const OBJECT_VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Reads `/api/v1/…` and `/apis/GROUP/VERSION/…`; undefined for a target that is no URL path. */
export function readRequest(method: string, target: string): RequestInfo | undefined {
  let url: URL;
  let segments: string[];
  try {
    url = new URL(target, "http://server");
    // An escaped slash is a slash.
    segments = decodeURIComponent(url.pathname).split("/").slice(1);
  } catch {
    return undefined;
  }
  const base = { path: url.pathname, query: url.searchParams };
  const prefixed = isWatchPrefix(segments);
  const resource = readResource(prefixed ? segments.toSpliced(segments.indexOf("watch"), 1) : segments);
  if (resource === undefined) return { ...base, verb: method.toLowerCase() };
  if (prefixed && method === "GET") return { ...base, verb: "watch", resource };
  const verb =
    resource.name === undefined
      ? method === "GET" && isTrue(url.searchParams.get("watch"))
        ? "watch"
        : (COLLECTION_VERBS[method] ?? "")
      : (OBJECT_VERBS[method] ?? "");
  return { ...base, verb, resource };
}

/** The old way to ask for a watch: `/api/v1/watch/…`. */
const isWatchPrefix = (segments: readonly string[]): boolean =>
  (segments[0] === "api" && segments[2] === "watch") || (segments[0] === "apis" && segments[3] === "watch");

function readResource(segments: readonly string[]): ResourcePath | undefined {
  const [root, ...rest] = segments.at(-1) === "" ? segments.slice(0, -1) : segments;
  const [group, version, ...parts] = root === "api" ? ["", ...rest] : root === "apis" ? rest : [];
  const [first, second, third, ...more] = parts;
  if (group === undefined || version === undefined || first === undefined) return undefined;
  const at = { group, version };
  // `namespaces/NAME`, its status and its finalizers are of the namespace itself.
  const own = third === undefined || third === "status" || third === "finalize";
  if (first !== "namespaces" || group !== "" || second === undefined || own) {
    if (first === "namespaces" && group !== "" && second !== undefined && third !== undefined) {
      return located(at, second, third, more);
    }
    return {
      ...at,
      plural: first,
      ...(second === undefined ? {} : { name: second }),
      ...(third === undefined ? {} : { subresource: third }),
    };
  }
  return located(at, second, third, more);
}

function located(
  at: { group: string; version: string },
  namespace: string,
  plural: string,
  [name, subresource]: readonly string[],
): ResourcePath {
  return {
    ...at,
    namespace,
    plural,
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** Query booleans: absent, `0` and any `false` are false; everything else, the empty text too, is true. */
export function isTrue(text: string | null): boolean {
  return text !== null && text !== "0" && text.toLowerCase() !== "false";
}

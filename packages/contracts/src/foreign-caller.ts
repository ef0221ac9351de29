/** What of a request tells who made it, as `node:http` gives it. */
export interface Caller {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/**
 * Why a request may be the doing of a web page of somebody else, which a browser on this machine shows; undefined when
 * it is not. Such a page knows our port, and its own name can be made to stand for this machine (DNS rebinding); what
 * it cannot do is hide that name. `isOurs` says by which names we go.
 */
export function foreignCaller(caller: Caller, isOurs: (name: string) => boolean): string | undefined {
  const { method, url = "", headers, rawHeaders } = caller;
  // Only a path: a host in it would count for more than the Host header, and `//host` is one, too.
  if (!/^\/(?![/\\])/.test(url)) return "the request's target is no path";
  const host = textOf(headers["host"]);
  const name = hostName(host ?? "");
  if (rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === "host").length > 1)
    return "the request names several hosts";
  if (name === undefined || !isOurs(name))
    return `host ${JSON.stringify(host ?? "")} is not served here: use 127.0.0.1 or localhost`;
  const origin = textOf(headers["origin"]);
  if (origin !== undefined && !isOurs(originName(origin) ?? ""))
    return `requests of pages of ${JSON.stringify(origin)} are not served here`;
  // A link to us is no harm: what it opens is ours alone to read.
  const opens =
    textOf(headers["sec-fetch-mode"]) === "navigate" && textOf(headers["sec-fetch-dest"]) === "document";
  const followsLink = opens && (method === "GET" || method === "HEAD");
  if (textOf(headers["sec-fetch-site"]) === "cross-site" && !followsLink)
    return "requests of pages of other sites are not served here";
  return undefined;
}

/** `localhost`, and the addresses that never leave this machine. */
export function isLoopbackName(name: string): boolean {
  return name === "localhost" || name === "[::1]" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/** The name that an `Origin` stands for; undefined for `null` and what is none. */
export function originName(origin: string): string | undefined {
  const url = URL.parse(origin);
  return url === null || url.hostname === "" ? undefined : url.hostname.toLowerCase();
}

/** Without the port; undefined for what is no host. */
function hostName(host: string): string | undefined {
  return /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
}

const textOf = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === "string" ? value : value?.join(", ");

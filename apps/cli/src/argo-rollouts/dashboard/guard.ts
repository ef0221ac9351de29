import { timingSafeEqual } from "node:crypto";

/** What of a request says who sent it. */
export interface Sender {
  readonly method: string;
  /** The headers of these names, absent where they were not sent. */
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  /** `Sec-Fetch-Site`: how the page that asks is related to this one, in the browser's own words. */
  readonly fetchSite?: string | undefined;
  /** `Sec-Fetch-Mode`: `navigate` is a person that follows a link. */
  readonly fetchMode?: string | undefined;
  readonly token?: string | undefined;
}

/** Where our page finds the token, and with which header it sends it. */
export const tokenHeader = "x-tracegate-token";

const loopbackNames = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Why a request is not served; undefined where it is. The dashboard acts with its user's rights on the cluster and asks
 * nobody for a password, so that web pages which the same browser shows must not reach it:
 *
 * - A page whose own name was made to lead to 127.0.0.1 (DNS rebinding) is of the same origin to the browser. It is known
 *   by the Host it asks for: only loopback names are served.
 * - A page of another origin may send requests and not read answers. Browsers name its origin in `Origin` with all that
 *   changes anything, and (those of the last years) its relation in `Sec-Fetch-Site`, which pages cannot set. Where either
 *   is there, both must be our own, and the request must carry the token that was drawn at this start and stands in
 *   our page only, in a header that no foreign page may send without asking first (CORS, to which we never agree).
 * - Where neither is there, no browser sent it: curl and scripts are served as the original serves them. They run as
 *   processes of this machine, which could read the token from the page, too.
 */
export function refusal(sender: Sender, token: string): string | undefined {
  const { method, host = "", origin, fetchSite, fetchMode } = sender;
  const name = host.replace(/:\d+$/, "");
  if (!loopbackNames.has(name))
    return `host ${JSON.stringify(name)} is not served here: use 127.0.0.1 or localhost`;
  const own = fetchSite === undefined || fetchSite === "same-origin" || fetchSite === "none";
  if (method === "GET" || method === "HEAD") {
    // Following a link from elsewhere shows the page and tells nobody.
    return own || fetchMode === "navigate" ? undefined : "this is not for pages of other origins";
  }
  if (origin === undefined && fetchSite === undefined) return undefined;
  if (!own || (origin !== undefined && origin !== `http://${host}`))
    return "pages of other origins change nothing here";
  return sameToken(sender.token ?? "", token)
    ? undefined
    : `the header ${tokenHeader} is missing or of another start`;
}

function sameToken(given: string, own: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(own)];
  return a.length === b.length && timingSafeEqual(a, b);
}

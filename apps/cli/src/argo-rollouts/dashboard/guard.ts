import { timingSafeEqual } from "node:crypto";
import { type Caller, foreignCaller, isLoopbackName } from "@tracegate/contracts";

/** With which header our page sends the token that it was served with. */
export const tokenHeader = "x-tracegate-token";

/**
 * Why a request is not served; undefined where it is. The dashboard acts with its user's rights on the cluster and asks
 * nobody for a password, so that web pages which the same browser shows must not reach it:
 *
 * - Pages of other sites, and those whose name was made to stand for this machine, are what `foreignCaller` tells of.
 * - Pages of other ports of this machine are none of those, and not ours either: they are known by `Origin`, which
 *   browsers send with all that changes anything, and by `Sec-Fetch-Site`. Pages can set neither.
 * - What changes something must carry the token that was drawn at this start. It stands in our page only, which no other
 *   page can read, and in a header that a browser lets no other page send without asking first (CORS), to which we never
 *   agree. Scripts read it from the page; the original asks nobody for anything.
 */
export function refusal(caller: Caller, token: string): string | undefined {
  const foreign = foreignCaller(caller, isLoopbackName);
  if (foreign !== undefined) return foreign;
  const header = (name: string): string | undefined => {
    const value = caller.headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const [origin, site] = [header("origin"), header("sec-fetch-site")];
  const otherPort = site === "same-site" || (origin !== undefined && origin !== `http://${header("host")}`);
  if (caller.method === "GET" || caller.method === "HEAD") {
    // Following a link shows our page and tells nobody.
    const followsLink = header("sec-fetch-mode") === "navigate";
    return otherPort && !followsLink ? "pages of other ports read nothing here" : undefined;
  }
  if (otherPort) return "pages of other ports change nothing here";
  return sameToken(header(tokenHeader) ?? "", token)
    ? undefined
    : `the header ${tokenHeader} is missing or of another start: load the page, which has it in <meta name="token">`;
}

function sameToken(given: string, own: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(own)];
  return a.length === b.length && timingSafeEqual(a, b);
}

import { createHmac } from "node:crypto";
import type { Request } from "./exchange.ts";

/** The secret that the servers of the comparison sign with. */
export const secret = "abc";

/** What is asked of both, in this order: some answers depend on what was asked before. */
export const requests: readonly Request[] = [
  ...[
    "/",
    "/api/info",
    "/version",
    "/version?x=1",
    "/%76ersion",
    "/healthz",
    "/readyz",
    "/livez",
    "/configs",
  ].map(get),
  { target: "/", headers: ["User-Agent: Mozilla/5.0"] },
  { target: "/readyz/disable", method: "POST" },
  ...["/readyz", "/healthz", "/readyz/enable"].map(get),
  { target: "/readyz/enable", method: "POST" },
  get("/readyz"),
  // Paths: unknown, not clean, badly escaped, and known ones with other methods.
  ...[
    "/nope",
    "/healthz/",
    "/Version",
    "//healthz",
    "/a/../healthz",
    "/./version/",
    "//",
    "//version?x=1%20",
  ].map(get),
  ...["/%zz", "/a%20b%3f/..", "/%ff", "/swagger", "/debug/pprof", "/cache", "/cache/a/b", "/store/"].map(get),
  ...["/", "/version", "/delay/0", "/panic", "/token/validate", "/nope", "/%2e%2e/version"].map(post("")),
  ...["/", "/healthz", "/echo", "/version", "/nope"].map((target) => ({ target, method: "HEAD" })),
  ...["DELETE", "PATCH", "OPTIONS"].flatMap((method) =>
    ["/status/503", "/cache/a", "/echo", "/env"].map((target) => ({ target, method })),
  ),
  // The request itself.
  {
    target: "/headers",
    headers: ["x-one: a", "X-One: b", "X_Two: <&>", "accept-language: \u00e9", "x-api-version: 1"],
  },
  { target: "/headers", method: "POST", body: "hi" },
  { target: "/version", headers: ["Upgrade: h2c"] },
  // Faults.
  ...["/delay/0", "/delay/1", "/delay/x", "/delay/", "/delay/99999999999999999999"].map(get),
  ...[
    "200",
    "0204",
    "204",
    "304",
    "404",
    "418",
    "500",
    "599",
    "999",
    "42",
    "101",
    "100",
    "102",
    "103",
    "1000",
  ].map((code) => get(`/status/${code}`)),
  get("/status/99999999999999999999"),
  { target: "/status/201", method: "PUT", body: "x" },
  ...["/chunked/0", "/chunked/1", "/chunked", "/chunked/x"].map(get),
  { target: "/chunked/0", method: "POST", body: "x" },
  // Echo, with the types that Go's server sees in bodies.
  get("/echo"),
  ...[
    "hi",
    '{"a":1}',
    "<html>",
    "  <!DOCTYPE HTML>",
    "<?xml ?>",
    "<b",
    "<b>",
    "<!--x",
    "%PDF-1",
    "GIF89a",
  ].map((body) => post(body)("/echo")),
  ...["\u0001\u0002", "PK\u0003\u0004", "a".repeat(2048), "a".repeat(2049), "<".repeat(5000)].map((body) =>
    post(body)("/api/echo/below"),
  ),
  { target: "/echo/a", method: "PUT", body: "x" },
  // The store and the cache.
  ...["stored", "", "<html>"].map((body) => post(body)("/store")),
  { target: "/store", method: "PUT", body: "put" },
  ...["/store", "/store/nope", "/store/ab514b9a49fba12b7f30c6780f4398fe0100a38d", "/store/a%20b"].map(get),
  get("/store/..%2fconfigs"),
  ...["GET", "POST", "PUT", "DELETE"].map((method) => ({ target: "/cache/a", method, body: "x" })),
  // Tokens.
  ...["", "jane", "<\u00e9>"].map((body) => post(body)("/token")),
  get("/token"),
  ...["", "bearer", "Bearer", "Basic x", "Bearer x", "Bearer a.b.c", "bearer a.b.c.d", "Bearer  x"].map(
    bearing,
  ),
  ...[
    token({ alg: "none" }, {}, ""),
    token({ alg: "RS256" }, {}),
    token({ alg: "XX" }, {}),
    token({}, {}),
    token({ alg: 1 }, {}),
    token({ alg: "HS256" }, { iss: "podinfo" }, "AA"),
    token({ alg: "HS256" }, { iss: "podinfo" }, "!"),
    token({ alg: "HS256" }, { iss: "podinfo", name: "a" }),
    token({ alg: "HS512" }, { iss: "podinfo", name: "a" }),
    token({ alg: "HS256" }, { iss: "podinfo", exp: 99999999999 }),
    token({ alg: "HS256" }, { iss: "podinfo", exp: 999999999999 }),
    token({ alg: "HS256" }, { iss: "else" }),
    token({ alg: "HS256" }, null),
    token({ alg: "HS256" }, []),
    token({ alg: "HS256" }, "text"),
    token({ alg: "HS256" }, { iss: "podinfo", nbf: 99999999999 }),
    token({ alg: "HS256" }, { iss: "podinfo", iat: 99999999999 }),
    token({ alg: "HS256" }, { exp: 1, nbf: 99999999999, iat: 99999999999 }),
    token({ alg: "HS256" }, { exp: "1" }),
    token({ alg: "HS256" }, { exp: 1.5 }),
    token({ alg: "HS256" }, { name: 3 }),
    token({ alg: "HS256" }, { iss: true }),
    token({ alg: "HS256" }, { sub: {} }),
    `${encoded("x")}.${encoded("{}")}.AA`,
    `${encoded('{"alg":"HS256"}')}.${encoded("y")}.AA`,
    `${encoded('{"alg":"HS256"}')}.!!.AA`,
    `${encoded('{"alg":"HS256"}')}.${encoded("")}.AA`,
  ].map((text) => bearing(`Bearer ${text}`)),
  // WebSocket handshakes that are refused.
  get("/ws/echo"),
  ...[
    ["Upgrade: websocket"],
    ["Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    ["Upgrade: websocket", "Sec-WebSocket-Version: 12", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="],
    ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA"],
    ["Upgrade: x", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="],
    [
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      "Origin: http://elsewhere",
    ],
  ].map((headers) => ({ target: "/ws/echo", headers: [...headers, "Connection: upgrade"] })),
  { target: "/ws/echo", method: "POST", headers: ["Upgrade: websocket", "Connection: upgrade"] },
  // The description of the API.
  ...["/swagger/", "/swagger/index.html", "/swagger/nope", "/swagger/doc.json", "/swagger.json"].map(get),
  post("")("/swagger/doc.json"),
];

function get(target: string): Request {
  return { target };
}

function post(body: string) {
  return (target: string): Request => ({ target, method: "POST", body });
}

function bearing(authorization: string): Request {
  return { target: "/token/validate", headers: [`Authorization: ${authorization}`] };
}

function token(header: { readonly alg?: unknown }, claims: unknown, signature?: string): string {
  const signed = `${encoded(JSON.stringify(header))}.${encoded(JSON.stringify(claims))}`;
  const hash = header.alg === "HS512" ? "sha512" : "sha256";
  return `${signed}.${signature ?? createHmac(hash, secret).update(signed).digest("base64url")}`;
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64url");
}

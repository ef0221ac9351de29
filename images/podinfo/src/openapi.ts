/** podinfo's description of itself (Swagger 2.0): the same operations, parameters and answers, in our words. */

interface Operation {
  readonly summary: string;
  readonly tag?: string;
  /** None: it says nothing of what it takes. */
  readonly consumes?: false;
  readonly produces?: string | false;
  /** The one parameter in the path that is no text. */
  readonly integer?: true;
  readonly answers: Readonly<Record<string, unknown>>;
}

const text = { type: "string" };
const texts = { type: "array", items: text };
const map = of("MapResponse");

const operations: readonly (readonly [string, string, Operation])[] = [
  ["get", "/", { summary: "Page", consumes: false, produces: "text/html", answers: { 200: text } }],
  ["post", "/api/echo", { summary: "The body, or the backends' answers to it", answers: { 202: map } }],
  ["get", "/api/info", { summary: "Release and runtime", answers: { 200: of("RuntimeResponse") } }],
  ["get", "/cache/{key}", { summary: "Read from the cache", answers: { 200: text } }],
  ["post", "/cache/{key}", { summary: "Write to the cache", answers: { 202: undefined } }],
  ["delete", "/cache/{key}", { summary: "Delete from the cache", answers: { 202: undefined } }],
  ["get", "/chunked/{seconds}", { summary: "Head now, body later", integer: true, answers: { 200: map } }],
  ["get", "/delay/{seconds}", { summary: "A late answer", integer: true, answers: { 200: map } }],
  ["get", "/env", { summary: "The environment", answers: { 200: texts } }],
  ["get", "/headers", { summary: "The request's headers", answers: { 200: texts } }],
  ["get", "/healthz", { summary: "Liveness", tag: "Kubernetes", answers: { 200: text } }],
  [
    "get",
    "/metrics",
    {
      summary: "Metrics",
      tag: "Kubernetes",
      consumes: false,
      produces: "text/plain",
      answers: { 200: text },
    },
  ],
  ["get", "/panic", { summary: "End the process with 255", consumes: false, produces: false, answers: {} }],
  ["get", "/readyz", { summary: "Readiness", tag: "Kubernetes", answers: { 200: text } }],
  ["post", "/readyz/disable", { summary: "Be not ready", tag: "Kubernetes", answers: { 202: text } }],
  ["post", "/readyz/enable", { summary: "Be ready", tag: "Kubernetes", answers: { 202: text } }],
  ["get", "/status/{code}", { summary: "The status asked for", integer: true, answers: { 200: map } }],
  ["post", "/store", { summary: "Keep the body", answers: { 200: map } }],
  ["get", "/store/{hash}", { summary: "A body kept", produces: "text/plain", answers: { 200: text } }],
  ["post", "/token", { summary: "A token for a minute", answers: { 200: of("TokenResponse") } }],
  [
    "post",
    "/token/validate",
    { summary: "Whom a token names", answers: { 200: of("TokenValidationResponse"), 401: text } },
  ],
  ["get", "/version", { summary: "Release", consumes: false, answers: { 200: map } }],
  ["post", "/ws/echo", { summary: "The messages of a WebSocket", answers: { 202: map } }],
];

const objects: Readonly<Record<string, readonly string[]>> = {
  RuntimeResponse: [
    ...["color", "goarch", "goos", "hostname", "logo", "message"],
    ...["num_cpu", "num_goroutine", "revision", "runtime", "version"],
  ],
  TokenResponse: ["expires_at", "token"],
  TokenValidationResponse: ["expires_at", "token_name"],
};

export function openApiDocument(): string {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [method, path, operation] of operations) {
    paths[path] = { ...paths[path], [method]: described(path, operation) };
  }
  const definitions: Record<string, unknown> = {
    "http.MapResponse": { type: "object", additionalProperties: text },
  };
  for (const [name, fields] of Object.entries(objects)) {
    const properties = Object.fromEntries(fields.map((field) => [field, text]));
    definitions[`http.${name}`] = { type: "object", properties };
  }
  const info = {
    description: "podinfo as Tracegate's node runs it.",
    title: "Podinfo API",
    contact: { name: "Source Code", url: "https://github.com/stefanprodan/podinfo" },
    license: { name: "MIT License", url: "https://github.com/stefanprodan/podinfo/blob/master/LICENSE" },
    version: "2.0",
  };
  const document = { schemes: ["http", "https"], swagger: "2.0", info, basePath: "/", paths, definitions };
  return JSON.stringify(document, null, 4);
}

/** A list of the operations; podinfo shows Swagger UI there. */
export function openApiPage(version: string): string {
  const rows = operations.map(
    ([method, path, { summary }]) =>
      `<tr><td>${method.toUpperCase()}</td><td>${path}</td><td>${summary}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>podinfo ${version}</title></head>
<body style="font: 1em sans-serif">
<h1>podinfo ${version}</h1>
<p>The same as JSON: <a href="doc.json">doc.json</a></p>
<table>
${rows.join("\n")}
</table>
</body>
</html>
`;
}

function described(path: string, operation: Operation): Record<string, unknown> {
  const { summary, tag = "HTTP API", consumes, produces = "application/json", integer, answers } = operation;
  const parameter = /\{(\w+)\}/.exec(path)?.[1];
  const type = integer ? "integer" : "string";
  return {
    ...(consumes !== false && { consumes: ["application/json"] }),
    ...(produces !== false && { produces: [produces] }),
    tags: [tag],
    summary,
    ...(parameter && {
      parameters: [{ type, description: parameter, name: parameter, in: "path", required: true }],
    }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, schema]) => [
        status,
        { description: statusTexts[status] ?? status, ...(schema !== undefined && { schema }) },
      ]),
    ),
  };
}

const statusTexts: Readonly<Record<string, string>> = { 200: "OK", 202: "Accepted", 401: "Unauthorized" };

function of(name: string) {
  return { $ref: `#/definitions/http.${name}` };
}

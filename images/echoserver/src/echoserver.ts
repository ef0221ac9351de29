import { createServer, type IncomingMessage, type Server } from "node:http";

/** Bodies beyond this are refused, as the image's nginx is told to. */
const bodyLimitBytes = 10 * 1024 * 1024;
/** nginx keeps longer bodies in a file, and then does not show them. */
const shownBodyBytes = 16 * 1024;
/** For balancers that count on connections to stay open for ten minutes. */
const keepAliveMs = 620_000;

/** Answers every path and method with 200 and a text that tells of the pod and the request. */
export function createEchoserver(options: { readonly env: NodeJS.ProcessEnv }): Server {
  const server = createServer(async (request, response) => {
    const body = await readBody(request).catch(() => undefined);
    const head = { Server: "echoserver", "Content-Type": "text/plain" };
    if (body === undefined) {
      response.writeHead(413, { ...head, Connection: "close" }).end("413 Request Entity Too Large\n");
      return;
    }
    response.writeHead(200, { ...head, Connection: response.shouldKeepAlive ? "keep-alive" : "close" });
    // In two parts: the length is not known beforehand, as it is not to nginx.
    if (request.method !== "HEAD") response.write(describe(request, body, options.env));
    response.end();
  });
  server.keepAliveTimeout = keepAliveMs;
  return server;
}

/** The text, line by line as the image's template writes it. */
function describe(request: IncomingMessage, body: string, env: NodeJS.ProcessEnv): string {
  const target = request.url ?? "/";
  const host = (request.headers.host ?? "_").replace(/:\d+$/, "").toLowerCase();
  return [
    "",
    "",
    `Hostname: ${shown(env["HOSTNAME"] ?? "N/A")}`,
    "",
    "Pod Information:",
    ...podLines(env),
    "",
    "Server values:",
    // What the image's parts call themselves.
    "\tserver_version=nginx: 1.14.2 - lua: 10015",
    "",
    "Request Information:",
    `\tclient_address=${request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? ""}`,
    `\tmethod=${shown(request.method ?? "")}`,
    `\treal path=${shown(target)}`,
    `\tquery=${shown(/\?(.*)$/s.exec(target)?.[1] ?? "")}`,
    // A number to Lua: 1.0 is 1.
    `\trequest_version=${Number(request.httpVersion)}`,
    "\trequest_scheme=http",
    // nginx names its own port there, not the one the client dialled.
    `\trequest_uri=${shown(`http://${host}:${request.socket.localPort ?? ""}${target}`)}`,
    "",
    "Request Headers:",
    ...headerLines(request),
    "",
    "Request Body:",
    body === "" ? "\t-no body in request-" : shown(body),
    "",
    "",
  ].join("\n");
}

/** The pod's names come from variables that the manifest fills by the downward API; without its name none is shown. */
function podLines(env: NodeJS.ProcessEnv): string[] {
  if (!env["POD_NAME"]) return ["\t-no pod information available-"];
  return [
    ["node name", "NODE_NAME"],
    ["pod name", "POD_NAME"],
    ["pod namespace", "POD_NAMESPACE"],
    ["pod IP", "POD_IP"],
  ].map(([label, name = ""]) => `\t${label}:\t${shown(env[name] ?? "N/A")}`);
}

/** By name, in small letters. The template has two spaces after a value that stands alone. */
function headerLines({ headersDistinct }: IncomingMessage): string[] {
  return (
    Object.entries(headersDistinct)
      // nginx passes over headers with other characters in their names, such as an underscore.
      .filter(([name]) => /^[a-z0-9-]+$/.test(name))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, values = []]) =>
        values.map((value) => `\t${name}=${shown(utf8(value))}${values.length === 1 ? "  " : ""}`),
      )
  );
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** The template escapes each value as if it stood in HTML. */
function shown(value: string): string {
  return value.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** Node reads a header's bytes as Latin-1; nginx hands them on. */
function utf8(value: string): string {
  return Buffer.from(value, "latin1").toString();
}

/** What is shown of a body. @throws Error beyond the limit. */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > bodyLimitBytes) throw new Error("body too large");
    if (size <= shownBodyBytes) chunks.push(chunk);
  }
  return size <= shownBodyBytes ? Buffer.concat(chunks).toString() : "";
}

import { createServer, type IncomingMessage, type Server } from "node:http";

/** What a request's text keeps of its body. */
const bodyLimitBytes = 1024 * 1024;

/** Answers every path and method with 200 and a text that tells of the pod and the request. */
export function createEchoserver(options: {
  readonly hostname: string;
  readonly env: NodeJS.ProcessEnv;
}): Server {
  return createServer(async (request, response) => {
    const body = await readBody(request).catch(() => undefined);
    if (body === undefined) {
      response.writeHead(413, { Connection: "close", Server: "echoserver" }).end();
      return;
    }
    response.writeHead(200, { "Content-Type": "text/plain", Server: "echoserver" });
    response.end(request.method === "HEAD" ? undefined : describe(request, body, options));
  });
}

function describe(
  request: IncomingMessage,
  body: string,
  { hostname, env }: { readonly hostname: string; readonly env: NodeJS.ProcessEnv },
): string {
  const target = request.url ?? "/";
  const [path, query = ""] = splitOnce(target, "?");
  const host = (request.headers.host ?? "localhost").replace(/:\d+$/, "");
  return [
    "",
    "",
    `Hostname: ${hostname}`,
    "",
    "Pod Information:",
    ...podLines(env),
    "",
    "Server values:",
    "\tserver_version=nginx: 1.14.2 - lua: 10015",
    "",
    "Request Information:",
    `\tclient_address=${request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? ""}`,
    `\tmethod=${request.method ?? ""}`,
    `\treal path=${target}`,
    `\tquery=${query}`,
    `\trequest_version=${request.httpVersion}`,
    "\trequest_scheme=http",
    // nginx names its own port there, not the one the client dialled.
    `\trequest_uri=http://${host}:${request.socket.localPort ?? ""}${path}${query && `?${query}`}`,
    "",
    "Request Headers:",
    ...Object.entries(request.headers)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `\t${name}=${Array.isArray(value) ? value.join(", ") : value}`),
    "",
    "Request Body:",
    body === "" ? "\t-no body in request-" : body,
    "",
    "",
  ].join("\n");
}

/** The pod's names come from variables that the manifest fills by the downward API. */
function podLines(env: NodeJS.ProcessEnv): string[] {
  const lines = (
    [
      ["node name", "NODE_NAME"],
      ["pod name", "POD_NAME"],
      ["pod namespace", "POD_NAMESPACE"],
      ["pod IP", "POD_IP"],
    ] as const
  ).flatMap(([label, name]) => (env[name] ? [`\t${label}:\t${env[name]}`] : []));
  return lines.length > 0 ? lines : ["\t-no pod information available-"];
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > bodyLimitBytes) throw new Error("body too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

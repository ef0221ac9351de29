import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { page } from "./page.ts";
import type { Settings } from "./settings.ts";

/** What the probes say; `/readyz/disable` and the end of the process change it. */
export interface Health {
  healthy: boolean;
  ready: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** What a route's answer is made from. */
export interface Context {
  readonly settings: Settings;
  readonly version: string;
  readonly hostname: string;
  readonly env: NodeJS.ProcessEnv;
  readonly health: Health;
  readonly request: IncomingMessage;
  /** The number that the path holds, where it holds one. */
  readonly number: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly exit: (code: number) => void;
  readonly metrics: () => string;
}

export interface Route {
  readonly path: RegExp;
  /** The route's name in the metrics, before it is made a label. */
  readonly name: string;
  /** None: any method. */
  readonly methods?: readonly string[];
  readonly answer: (context: Context) => Answer | Promise<Answer>;
}

/** No release names its commit here: the program is not podinfo's. */
export const revision = "unknown";

/** What `/echo` takes of a body. */
const bodyLimitBytes = 1024 * 1024;

export const routes: readonly Route[] = [
  {
    path: /^\/metrics$/,
    name: "metrics",
    answer: ({ metrics }) => ({
      status: 200,
      headers: { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" },
      body: metrics(),
    }),
  },
  {
    path: /^\/$/,
    name: "/",
    methods: ["GET"],
    answer: (context) => (isBrowser(context.request) ? ui(context) : info(context)),
  },
  { path: /^\/api\/info$/, name: "/api/info", methods: ["GET"], answer: info },
  {
    path: /^\/version$/,
    name: "/version",
    methods: ["GET"],
    answer: ({ version }) => json({ commit: revision, version }),
  },
  { path: /^\/echo(\/|$)/, name: "/echo", answer: echo },
  { path: /^\/api\/echo(\/|$)/, name: "/api/echo", answer: echo },
  {
    path: /^\/env$/,
    name: "/env",
    methods: ["GET", "POST"],
    answer: ({ env }) => json(Object.entries(env).map(([name, value]) => `${name}=${value}`)),
  },
  { path: /^\/headers$/, name: "/headers", methods: ["GET", "POST"], answer: headers },
  {
    path: /^\/delay\/(\d+)$/,
    name: "delay",
    methods: ["GET"],
    answer: async ({ number, sleep }) => {
      await sleep(number * 1000);
      return json({ delay: number });
    },
  },
  { path: /^\/healthz$/, name: "/healthz", methods: ["GET"], answer: ({ health }) => probe(health.healthy) },
  { path: /^\/readyz$/, name: "/readyz", methods: ["GET"], answer: ({ health }) => probe(health.ready) },
  {
    path: /^\/readyz\/enable$/,
    name: "/readyz/enable",
    methods: ["POST"],
    answer: ({ health }) => setReady(health, true),
  },
  {
    path: /^\/readyz\/disable$/,
    name: "/readyz/disable",
    methods: ["POST"],
    answer: ({ health }) => setReady(health, false),
  },
  {
    path: /^\/panic$/,
    name: "/panic",
    methods: ["GET"],
    answer: ({ exit }) => {
      exit(255);
      return { status: 200 };
    },
  },
  {
    path: /^\/status\/(\d+)$/,
    name: "status",
    methods: ["GET", "POST", "PUT"],
    answer: ({ number }) => ({ ...json({ status: number }), status: number }),
  },
  { path: /^\/configs$/, name: "/configs", methods: ["GET"], answer: configs },
  // The parts of podinfo that are left out, so that a caller learns why.
  ...["/token", "/store", "/cache", "/chunked", "/ws/echo", "/swagger", "/debug/pprof"].map((prefix) => ({
    path: new RegExp(`^${prefix}(/|$)`),
    name: prefix,
    answer: () => ({
      ...json({ code: 501, message: `${prefix} is not implemented by the bundled podinfo` }),
      status: 501,
    }),
  })),
];

function info({ settings, version, hostname }: Context): Answer {
  return json({
    hostname,
    version,
    revision,
    color: settings.ui.color,
    logo: settings.ui.logo,
    message: settings.ui.message,
    goos: process.platform,
    goarch: process.arch === "x64" ? "amd64" : process.arch,
    runtime: `node${process.versions.node}`,
    num_goroutine: "1",
    num_cpu: String(availableParallelism()),
  });
}

function ui({ settings, version, hostname }: Context): Answer {
  const body = page({ ...settings.ui, version, hostname });
  return { status: 200, headers: { "Content-Type": "text/html; charset=utf-8" }, body };
}

/** Header names as Go writes them; the host is not among them, the version is. */
function headers({ request, version }: Context): Answer {
  const byName = new Map<string, string[]>([
    ["X-Api-Version", [version]],
    ["X-Api-Revision", [revision]],
  ]);
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    const canonical = name.replace(/(^|-)[a-z]/g, (text) => text.toUpperCase());
    if (name !== "host" && values && !byName.has(canonical)) byName.set(canonical, values);
  }
  return json(Object.fromEntries([...byName].sort(([a], [b]) => (a < b ? -1 : 1))));
}

async function echo({ request, settings, version }: Context): Promise<Answer> {
  const body = await readBody(request);
  if (!body) return { ...json({ code: 413, message: "request body too large" }), status: 413 };
  const color = { "X-Color": settings.ui.color };
  if (settings.backendUrls.length === 0) {
    return { status: 202, headers: { "Content-Type": "text/plain; charset=utf-8", ...color }, body };
  }
  const forwarded = { "X-API-Version": version, "X-API-Revision": revision };
  const call = async (url: string) => {
    try {
      const signal = AbortSignal.timeout(settings.clientTimeoutMs);
      const response = await fetch(url, {
        method: "POST",
        body: new Uint8Array(body),
        headers: forwarded,
        signal,
      });
      const text = await response.text();
      return response.status >= 400 ? `backend ${url} response status code ${response.status}` : text;
    } catch (error) {
      return `backend ${url} call failed ${error instanceof Error ? error.message : error}`;
    }
  };
  const answer = json(await Promise.all(settings.backendUrls.map(call)));
  return { ...answer, headers: { ...answer.headers, ...color } };
}

/** Files are read at each call: a ConfigMap's change shows without a watch. */
async function configs({ settings }: Context): Promise<Answer> {
  if (settings.configPath === "") return json({});
  const entries = await readdir(settings.configPath).catch((): string[] => []);
  const files: Record<string, string> = {};
  for (const name of entries.filter((entry) => !entry.startsWith(".")).sort()) {
    const text = await readFile(join(settings.configPath, name), "utf8").catch(() => undefined);
    if (text !== undefined) files[name] = text;
  }
  return json(files);
}

function probe(good: boolean): Answer {
  return good ? json({ status: "OK" }) : { status: 503 };
}

function setReady(health: Health, ready: boolean): Answer {
  health.ready = ready;
  return { status: 202 };
}

function isBrowser(request: IncomingMessage): boolean {
  return request.headers["user-agent"]?.startsWith("Mozilla") ?? false;
}

function json(value: unknown): Answer {
  return {
    status: 200,
    headers: { "Content-Type": "application/json; charset=utf-8", "X-Content-Type-Options": "nosniff" },
    body: JSON.stringify(value, null, 2),
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > bodyLimitBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

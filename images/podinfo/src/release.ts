import { availableParallelism } from "node:os";
import { type Answer, json } from "./answer.ts";
import type { Context } from "./context.ts";
import { page } from "./page.ts";

/** No release names its commit here: the program is not podinfo's. */
export const revision = "unknown";

/** Which release answers, from where. */
export function info({ settings, version, hostname }: Context): Answer {
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

/** The root: a page for browsers, JSON for programs. */
export function index(context: Context): Answer {
  const browser = context.request.headers["user-agent"]?.startsWith("Mozilla") ?? false;
  if (!browser) return info(context);
  const { settings, version, hostname } = context;
  const body = page({ ...settings.ui, version, hostname });
  return { status: 200, headers: { "Content-Type": "text/html; charset=utf-8" }, body };
}

export function version(context: Context): Answer {
  return json({ commit: revision, version: context.version });
}

export function environment({ env }: Context): Answer {
  return json(Object.entries(env).map(([name, value]) => `${name}=${value}`));
}

/** The request's headers under the names that Go gives them, and the version among them; Go keeps the host elsewhere. */
export function headers({ request, version: release }: Context): Answer {
  const byName = new Map<string, readonly string[]>();
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (values && !keptElsewhere.has(name)) byName.set(canonical(name), values.map(utf8));
  }
  byName.set("X-Api-Version", [release]).set("X-Api-Revision", [revision]);
  return json(Object.fromEntries([...byName].sort(([a], [b]) => (a < b ? -1 : 1))));
}

const keptElsewhere: ReadonlySet<string> = new Set(["host", "transfer-encoding", "trailer"]);

function canonical(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (text) => text.toUpperCase());
}

/** Node reads a header's bytes as Latin-1, Go as UTF-8. */
function utf8(value: string): string {
  return Buffer.from(value, "latin1").toString("utf8");
}

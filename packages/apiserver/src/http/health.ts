import type { ServerResponse } from "node:http";
import type { Api } from "../core/api.ts";
import { answerText } from "./answers.ts";

/** What is looked at: that we answer at all, and that the store can be read. */
const CHECKS: Readonly<Record<string, (api: Api) => boolean>> = {
  ping: () => true,
  log: () => true,
  etcd: (api) => api.store.revision >= api.store.compactedRevision,
};

export const HEALTH_PATHS = ["/healthz", "/livez", "/readyz"];

/** `/livez`, `/livez/ping`, `?verbose`, `?exclude=…`. */
export function answerHealth(api: Api, response: ServerResponse, path: string, query: URLSearchParams) {
  const [, endpoint = "", single] = path.split("/");
  if (single !== undefined) {
    const check = Object.hasOwn(CHECKS, single) ? CHECKS[single] : undefined;
    if (check === undefined) return answerText(response, 404, "404 page not found\n");
    const well = check(api);
    return answerText(response, well ? 200 : 500, well ? "ok" : `${single} failed`);
  }
  const excluded = query.getAll("exclude");
  const results = Object.entries(CHECKS).map(([name, check]) => ({
    name,
    excluded: excluded.includes(name),
    well: excluded.includes(name) || check(api),
  }));
  const well = results.every((result) => result.well);
  if (well && !query.has("verbose")) return answerText(response, 200, "ok");
  const lines = results.map(({ name, excluded, well }) =>
    excluded ? `[+]${name} excluded: ok` : well ? `[+]${name} ok` : `[-]${name} failed: reason withheld`,
  );
  const verdict = `${endpoint} check ${well ? "passed" : "failed"}`;
  answerText(response, well ? 200 : 500, `${[...lines, verdict].join("\n")}\n`);
}

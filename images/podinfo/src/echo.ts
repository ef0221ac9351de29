import { type Answer, json, type Reply, readBody } from "./answer.ts";
import { post } from "./backend.ts";
import type { Context } from "./context.ts";
import { revision } from "./release.ts";

/** What is handed on to backends, so that their spans join the trace. */
const tracingHeaders = [
  "x-request-id",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
  "x-ot-span-context",
];

/** Gives the body back, or the answers of the backends to it. */
export async function echo({ request, settings, version, log }: Context): Promise<Answer> {
  const body = await readBody(request);
  const color = { "X-Color": settings.ui.color };
  if (settings.backendUrls.length === 0) return { status: 202, headers: color, body };
  const headers: Record<string, string> = { "X-API-Version": version, "X-API-Revision": revision };
  for (const name of tracingHeaders) {
    const value = request.headersDistinct[name]?.[0];
    if (value) headers[name] = value;
  }
  const call = async (url: string) => {
    try {
      const answer = await post(url, { body, headers, timeoutMs: settings.clientTimeoutMs });
      if (answer.status < 400) return answer.text;
      log("error", "http/echo", "backend call failed", { status: answer.status, url });
      return `backend ${url} response status code ${answer.status}`;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log("error", "http/echo", "backend call failed", { error: message, url });
      return `backend ${url} call failed ${message}`;
    }
  };
  const reply: Reply = json(await Promise.all(settings.backendUrls.map(call)));
  return { ...reply, headers: { ...reply.headers, ...color } };
}

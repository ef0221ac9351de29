import type { KubeObject } from "@tracegate/kube";
import { type FieldError, forbidden, notSupported, StatusError } from "@tracegate/kube";
import type { Api } from "../core/api.ts";
import { invalidOptions } from "../core/refusals.ts";
import { apiVersionOfResource, type ServedKind } from "../core/served-kinds.ts";
import { objectText } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { negotiate, notAcceptable, type Representation } from "./negotiation.ts";
import { listQuery, wholeNumber } from "./query-options.ts";
import { objectAs, offerOf } from "./representations.ts";
import { isTrue } from "./request-info.ts";

/** A watcher that lags behind by more than this is cut off: it lists again, instead of filling our memory. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;
const BOOKMARK_MS = 60_000;
/** How long a watch lasts when the client does not say, spread so that clients do not return all at once. */
const DEFAULT_TIMEOUT_MS = [30 * 60_000, 60 * 60_000] as const;
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/** Streams changes, one JSON object a line, until the time is up or the client leaves. */
export function streamWatch(api: Api, served: ServedKind, { request, response, info }: Exchange): void {
  const { query, resource } = info;
  const form = negotiate(request.headers.accept, offerOf(served, true));
  if (form.format !== "json") {
    throw notAcceptable(
      "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch",
    );
  }
  const options = listQuery(query, resource?.namespace, resource?.name);
  const { sendInitialEvents, match } = initialEvents(query);
  const lasting = timeoutMs(query);
  checkInitialEvents(query, sendInitialEvents, match);
  const bookmarks = isTrue(query.get("allowWatchBookmarks"));
  const ended = new AbortController();
  const line = lineWriter(api, served, form, query.get("includeObject") ?? "Metadata");
  const send = (text: string) => {
    if (response.writableEnded || response.destroyed) return;
    response.write(text);
    if (response.writableLength > MAX_UNSENT_BYTES) response.destroy();
  };

  const { resourceVersionMatch: _, ...selection } = options;
  const wanted = sendInitialEvents !== null && isTrue(sendInitialEvents) ? "0" : options.resourceVersion;
  let start: ReturnType<Api["watch"]>;
  try {
    start = api.watch(
      served,
      { ...selection, ...(wanted === undefined ? {} : { resourceVersion: wanted }) },
      (change) => send(line(change.type, change.object)),
    );
  } catch (error) {
    if (!(error instanceof StatusError) || error.status.code !== 410) throw error;
    begin(response);
    response.end(`${JSON.stringify({ type: "ERROR", object: error.status })}\n`);
    return;
  }
  begin(response);
  const listed = sendInitialEvents !== null && !isTrue(sendInitialEvents) ? [] : start.initial;
  for (const object of listed) send(line("ADDED", object));
  if (sendInitialEvents !== null && isTrue(sendInitialEvents) && bookmarks) {
    send(line("BOOKMARK", bookmark(served, start.revision, { [INITIAL_EVENTS_END]: "true" })));
  }
  response.once("close", () => {
    start.stop();
    ended.abort();
  });
  const end = () => {
    response.end();
  };
  const aborted = () => {};
  api.clock.after(lasting, ended.signal).then(end, aborted);
  if (bookmarks)
    repeat(api, ended.signal, () => send(line("BOOKMARK", bookmark(served, api.store.revision))));
}

function begin(response: Exchange["response"]): void {
  response.statusCode = 200;
  response.setHeader("Content-Type", "application/json");
  response.flushHeaders();
}

function lineWriter(api: Api, served: ServedKind, form: Representation, includeObject: string) {
  let first = true;
  return (type: string, object: KubeObject): string => {
    if (form.as === undefined) return `{"type":"${type}","object":${objectText(object)}}\n`;
    // Columns are told once.
    const body = objectAs(served, object, form, { includeObject, now: api.clock.now(), columns: first });
    first = false;
    return `${JSON.stringify({ type, object: body })}\n`;
  };
}

/** An object of the kind that says nothing but how far the watch has come. */
function bookmark(served: ServedKind, revision: number, annotations?: Record<string, string>): KubeObject {
  const metadata = {
    resourceVersion: String(revision),
    ...(annotations === undefined ? {} : { annotations }),
  };
  // Other than every object, it has no name.
  return {
    kind: served.kind,
    apiVersion: apiVersionOfResource(served),
    metadata: metadata as KubeObject["metadata"],
  };
}

async function repeat(api: Api, signal: AbortSignal, tell: () => void): Promise<void> {
  try {
    for (;;) {
      await api.clock.after(BOOKMARK_MS, signal);
      tell();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function timeoutMs(query: URLSearchParams): number {
  const seconds = query.get("timeoutSeconds");
  if (seconds !== null && seconds !== "") return Math.max(0, wholeNumber(seconds)) * 1000;
  const [low, high] = DEFAULT_TIMEOUT_MS;
  return low + Math.random() * (high - low);
}

/** A watch from now that says nothing of initial events gets them as if it had asked. */
function initialEvents(query: URLSearchParams): { sendInitialEvents: string | null; match: string } {
  const [sendInitialEvents, match] = [
    query.get("sendInitialEvents"),
    query.get("resourceVersionMatch") ?? "",
  ];
  const fromNow = ["", "0"].includes(query.get("resourceVersion") ?? "");
  if (sendInitialEvents !== null || match !== "" || !fromNow) return { sendInitialEvents, match };
  return { sendInitialEvents: "true", match: "NotOlderThan" };
}

function checkInitialEvents(query: URLSearchParams, sendInitialEvents: string | null, match: string): void {
  const field = "resourceVersionMatch";
  const errors: FieldError[] = [];
  if (sendInitialEvents !== null && match !== "NotOlderThan") {
    errors.push(forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (match !== "") {
    if (sendInitialEvents === null) {
      errors.push(forbidden(field, `${field} is forbidden for watch unless sendInitialEvents is provided`));
    }
    if (match !== "NotOlderThan") errors.push(notSupported(field, match, ["NotOlderThan"]));
    if (query.get("continue")) {
      errors.push(forbidden(field, `${field} is forbidden when continue is provided`));
    }
  }
  if (errors.length > 0) throw invalidOptions("ListOptions", ...errors);
}

import { Agent, type RequestOptions, request } from "node:https";
import {
  apiVersionOf,
  type Kind,
  type KubeList,
  type KubeObject,
  type ListOptions,
  type Patch,
  type ResourceClient,
  type Status,
  StatusError,
  type WatchEvent,
  type WatchHandler,
} from "@tracegate/kube";

/** How to reach and be known to an API server, as a kubeconfig says it; PEM texts. */
export interface ServerAccess {
  readonly server: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  /** The name that the server's certificate is checked for, in place of the address's. */
  readonly serverName?: string;
  /** Takes any certificate for the server's. */
  readonly insecure?: boolean;
  /** How long the answer to a request (not a watch) may take. */
  readonly timeoutMs?: number;
  /** Acts as somebody else, where the server allows it. */
  readonly impersonate?: { readonly user: string; readonly groups: readonly string[]; readonly uid: string };
}

const patchTypes: Record<Patch["type"], string> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

/**
 * A `ResourceClient` over HTTPS, for commands that talk to a running platform. Refusals arrive as `StatusError`; a server
 * that cannot be reached rejects with the system's error (ECONNREFUSED …), which the command line words.
 */
export function createRemoteClient(access: ServerAccess): ResourceClient & { close(): void } {
  const agent = new Agent({
    keepAlive: true,
    ...(access.ca === undefined ? {} : { ca: access.ca }),
    ...(access.cert === undefined ? {} : { cert: access.cert }),
    ...(access.key === undefined ? {} : { key: access.key }),
    ...(access.serverName === undefined ? {} : { servername: access.serverName }),
    ...(access.insecure === true ? { rejectUnauthorized: false } : {}),
  });
  const headers = {
    accept: "application/json",
    "user-agent": "tracegate",
    ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }),
    ...impersonation(access.impersonate),
  };

  const open = (method: string, path: string, query: URLSearchParams, extra: RequestOptions = {}) =>
    request(new URL(`${path}${query.size > 0 ? `?${query}` : ""}`, access.server), {
      method,
      agent,
      ...extra,
      headers: { ...headers, ...extra.headers },
    });

  function call<R>(
    method: string,
    path: string,
    options: { query?: URLSearchParams; body?: unknown; contentType?: string } = {},
  ): Promise<R> {
    const { query = new URLSearchParams(), body, contentType = "application/json" } = options;
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      // Of a DELETE, Node's client says no length by itself: the server would take the body for the next request.
      const extra =
        payload === undefined
          ? {}
          : { "content-type": contentType, "content-length": String(Buffer.byteLength(payload)) };
      const req = open(method, path, query, { headers: extra });
      req.on("error", reject);
      const { timeoutMs } = access;
      if (timeoutMs !== undefined)
        req.setTimeout(timeoutMs, () => req.destroy(new Error("timed out waiting for the server's answer")));
      req.on("response", (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("error", reject);
        res.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          if ((res.statusCode ?? 500) >= 400) return reject(refusal(res.statusCode ?? 500, text));
          // The API answers with the object asked for; its shape is the server's promise.
          resolve(JSON.parse(text) as R);
        });
      });
      req.end(payload);
    });
  }

  return {
    close: () => agent.destroy(),
    get: (kind, ref) => call("GET", pathOf(kind, ref.namespace, ref.name)),
    list: <T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}) =>
      call<KubeList<T>>("GET", pathOf(kind, options.namespace), {
        query: queryOf({ ...options, namespace: undefined }),
      }),
    create: (kind, object, options = {}) =>
      call("POST", pathOf(kind, object.metadata.namespace), { query: queryOf({ ...options }), body: object }),
    update: (kind, object, { subresource, ...options } = {}) =>
      call("PUT", pathOf(kind, object.metadata.namespace, object.metadata.name, subresource), {
        query: queryOf(options),
        body: object,
      }),
    patch: (kind, ref, patch, { subresource, ...options } = {}) =>
      call("PATCH", pathOf(kind, ref.namespace, ref.name, subresource), {
        query: queryOf({ ...options }),
        body: patch.type === "json" ? patch.operations : patch.body,
        contentType: patchTypes[patch.type],
      }),
    delete: async (kind, ref, options) => {
      await call("DELETE", pathOf(kind, ref.namespace, ref.name), deleteBody(options));
    },
    deleteCollection: async (kind, options) => {
      const { namespace, labelSelector, fieldSelector, limit, continue: next, ...deletion } = options;
      const query = queryOf({ labelSelector, fieldSelector, limit, continue: next });
      await call("DELETE", pathOf(kind, namespace), { query, ...deleteBody(deletion) });
    },
    watch: (kind, { namespace, ...options }, handler) => {
      const query = queryOf({ ...options, watch: true, allowWatchBookmarks: true });
      const req = open("GET", pathOf(kind, namespace), query);
      return followWatch(req, handler);
    },
  };
}

function impersonation(as: ServerAccess["impersonate"]): Record<string, string | string[]> {
  if (as === undefined) return {};
  return {
    "impersonate-user": as.user,
    ...(as.groups.length === 0 ? {} : { "impersonate-group": [...as.groups] }),
    ...(as.uid === "" ? {} : { "impersonate-uid": as.uid }),
  };
}

function followWatch<T extends KubeObject>(req: ReturnType<typeof request>, handler: WatchHandler<T>) {
  let stopped = false;
  const close = (reason?: Error) => {
    if (stopped) return;
    stopped = true;
    handler.close(reason);
  };
  req.on("error", close);
  req.on("response", (res) => {
    let rest = "";
    res.setEncoding("utf8");
    res.on("data", (chunk: string) => {
      rest += chunk;
      if ((res.statusCode ?? 500) >= 400) return;
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "" && !stopped) deliver(line);
    });
    res.on("error", close);
    res.on("end", () =>
      close((res.statusCode ?? 500) >= 400 ? refusal(res.statusCode ?? 500, rest) : undefined),
    );
  });
  const deliver = (line: string) => {
    // One event a line: {type, object}, as the API's watch promises.
    const { type, object } = JSON.parse(line) as {
      type: WatchEvent<T>["type"] | "ERROR";
      object: T & Status;
    };
    if (type === "ERROR") {
      close(new StatusError(object));
      req.destroy();
    } else if (type === "BOOKMARK") {
      handler.event({ type, resourceVersion: object.metadata.resourceVersion ?? "" });
    } else handler.event({ type, object });
  };
  req.end();
  return {
    stop() {
      stopped = true;
      req.destroy();
    },
  };
}

function pathOf(kind: Kind, namespace: string | undefined, name?: string, subresource?: string): string {
  const parts = [kind.group === "" ? "/api" : "/apis", apiVersionOf(kind)];
  if (kind.namespaced && namespace !== undefined) parts.push("namespaces", encodeURIComponent(namespace));
  parts.push(kind.plural);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource !== undefined) parts.push(subresource);
  return parts.join("/");
}

function queryOf(options: object): URLSearchParams {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options)) if (value !== undefined) query.set(key, String(value));
  return query;
}

const deleteBody = (options: object | undefined) =>
  options === undefined || Object.keys(options).length === 0
    ? {}
    : { body: { kind: "DeleteOptions", apiVersion: "v1", ...options } };

function refusal(code: number, text: string): StatusError {
  try {
    const status = JSON.parse(text) as Partial<Status>; // not trusted: only a Status is taken as one
    if (status.kind === "Status") return new StatusError({ ...status, code: status.code ?? code });
  } catch {
    // Not JSON: a proxy's page or a bare text, shown as it is.
  }
  return new StatusError({ code, message: text.trim() || `the server answered ${code}` });
}

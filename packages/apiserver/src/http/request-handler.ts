import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { builtInGroupVersions, type KubeObject, kubernetesVersion, StatusError } from "@tracegate/kube";
import type { TokenReader } from "../auth/authentication.ts";
import { actingUser } from "../auth/impersonation.ts";
import { type AccessRequest, authorize, denialText } from "../auth/rbac.ts";
import { REVIEWS, review } from "../auth/reviews.ts";
import type { ServiceAccountTokens } from "../auth/service-account-tokens.ts";
import type { User } from "../auth/user.ts";
import type { Api } from "../core/api.ts";
import { badRequest, forbidden, methodNotAllowed, notServed } from "../core/refusals.ts";
import type { ServedKind } from "../core/served-kinds.ts";
import { refuseEphemeralContainers } from "../pods/ephemeral-containers.ts";
import type { PodAccess } from "../pods/pod-access.ts";
import { streamLog } from "../pods/pod-logs.ts";
import { refuseUpgrade, serveStreams, upgradeRequired } from "../pods/streams.ts";
import { answer, answerError, answerText, setWarnings } from "./answers.ts";
import { bodyFormat, readBody, readObjectBody } from "./bodies.ts";
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from "./discovery.ts";
import type { Exchange } from "./exchange.ts";
import { answerHealth, HEALTH_PATHS } from "./health.ts";
import { foreignRequest } from "./host-check.ts";
import { negotiate, refusalFormat } from "./negotiation.ts";
import { OpenApi } from "./openapi.ts";
import { handlePosted } from "./posted-subresources.ts";
import { checkLogOptions, writeOptions } from "./query-options.ts";
import { type RequestInfo, type ResourcePath, readRequest } from "./request-info.ts";
import { RequestMetrics } from "./request-metrics.ts";
import { handleResource, refOf } from "./resource-requests.ts";

export interface HandlerOptions {
  readonly api: Api;
  readonly readToken: TokenReader;
  readonly tokens: ServiceAccountTokens;
  /** Names by which the server may be called, beside loopback ones. */
  readonly hosts: readonly string[];
  /** `host:port`, for `/api`. */
  readonly address: () => string;
  /** Absent until something runs pods. */
  readonly pods: () => PodAccess | undefined;
}

/** What the handler keeps between requests. */
interface Own {
  readonly metrics: RequestMetrics;
  readonly openApi: OpenApi;
}

/** Serves the API over HTTP: who asks, whether they may, then what they ask for. */
export function requestHandler(options: HandlerOptions) {
  const own: Own = { metrics: new RequestMetrics(), openApi: new OpenApi(options.api.kinds) };
  return (request: IncomingMessage, response: ServerResponse): void => {
    const info = readRequest(request.method ?? "GET", request.url ?? "/");
    response.setHeader("Cache-Control", "no-cache, private");
    response.once("finish", () => {
      own.metrics.count(info?.verb ?? "get", info?.resource?.plural ?? "", response.statusCode);
    });
    const format = refusalFormat(request.headers.accept);
    handle(options, own, request, response, info).catch((error: unknown) =>
      answerError(response, error, format),
    );
  };
}

async function handle(
  options: HandlerOptions,
  own: Own,
  request: IncomingMessage,
  response: ServerResponse,
  info: RequestInfo | undefined,
): Promise<void> {
  const foreign = foreignRequest(request, options.hosts);
  if (foreign !== undefined) return answerText(response, 403, `403 ${foreign}\n`);
  if (info === undefined) return answerText(response, 400, "400 Bad Request\n");
  checkTimeout(info.query.get("timeout"));
  const user = actingUser(request, options.readToken, options.api.store);
  const exchange: Exchange = { request, response, info, user };
  allow(options.api, user, info);
  if (info.resource !== undefined) return route(options, info.resource, exchange);
  return answerPath(options, own, exchange);
}

/** How long the client wants to wait, which we never reach; it must be a duration. */
function checkTimeout(timeout: string | null): void {
  if (
    timeout === null ||
    timeout === "" ||
    /^[-+]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(timeout)
  )
    return;
  const duration = JSON.stringify(timeout);
  const unitless = /^[-+]?(\d+(\.\d*)?|\.\d+)$/.test(timeout);
  const why = unitless ? `time: missing unit in duration ${duration}` : `time: invalid duration ${duration}`;
  throw badRequest(`invalid timeout specified in the request URL - ${why}`);
}

function allow(api: Api, user: User, info: RequestInfo): void {
  const access = accessOf(info);
  if (authorize(api.store, user, access).allowed) return;
  const { resource } = access;
  if (resource !== undefined) throw forbidden(resource, resource.name ?? "", denialText(user, access));
  const message = `forbidden: ${denialText(user, access)}`;
  throw new StatusError({ message, reason: "Forbidden", details: {}, code: 403 });
}

function accessOf({ verb, path, query, resource }: RequestInfo): AccessRequest {
  if (resource === undefined) return { verb, path };
  const { group, plural, subresource } = resource;
  const name = resource.name ?? namedBySelector(query);
  // A namespace is its own namespace to RBAC.
  const namespace = resource.namespace ?? (plural === "namespaces" && group === "" ? name : undefined);
  return {
    verb,
    resource: {
      group,
      plural,
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    },
  };
}

/** Who selects one name of a collection asks for one object. */
function namedBySelector(query: URLSearchParams): string | undefined {
  const [, name] = /(?:^|,)metadata\.name==?([^,]+)/.exec(query.get("fieldSelector") ?? "") ?? [];
  return name;
}

async function route(options: HandlerOptions, path: ResourcePath, exchange: Exchange): Promise<void> {
  const { api } = options;
  const served = api.kinds.find(path.group, path.version, path.plural);
  if (served === undefined) {
    // Of groups that are no custom ones, the router says that nothing is there.
    const ofCustomKinds =
      path.group !== "" && !builtInGroupVersions().some(({ group }) => group === path.group);
    if (!ofCustomKinds) throw notServed();
    return answerText(exchange.response, 404, "404 page not found\n");
  }
  if (served.plural === "pods" && served.group === "" && STREAMS.has(path.subresource ?? "")) {
    return answerStream(options, path, exchange);
  }
  if (options.pods() !== undefined) refuseEphemeralContainers(exchange.info);
  if (exchange.info.verb === "create" && path.subresource !== undefined) {
    return handlePosted(api, options.tokens, served, path, exchange);
  }
  if (served.plural === "bindings" && served.group === "") return answerBinding(api, served, path, exchange);
  if (REVIEWS.has(served.plural)) return answerReview(options, served, exchange);
  return handleResource(api, served, path, exchange);
}

const STREAMS = new Set(["log", "exec", "attach", "portforward"]);

async function answerStream(
  { api, pods }: HandlerOptions,
  path: ResourcePath,
  exchange: Exchange,
): Promise<void> {
  const { info } = exchange;
  if (path.subresource === "log") {
    if (info.verb !== "get") throw methodNotAllowed();
    checkLogOptions(info.query, path.name ?? "");
  }
  const access = pods();
  if (path.subresource === "log" && access !== undefined) return streamLog(api, access, path, exchange);
  // That there is no such pod is said first.
  const kind = api.kinds.find("", "v1", "pods");
  const pod = kind === undefined ? undefined : api.get(kind, refOf(path));
  if (path.subresource !== "log") throw upgradeRequired();
  if (pod !== undefined) checkContainer(pod, info.query.get("container") ?? "");
  // A pod that is nowhere yet has written nothing.
  const { spec } = (pod ?? {}) as { spec?: { nodeName?: string } };
  if ((spec?.nodeName ?? "") === "") return void exchange.response.writeHead(204).end();
  throw noNode();
}

interface Named {
  readonly name: string;
}

/** A container that is asked for is one of the pod's; of several one must be named. */
function checkContainer(pod: KubeObject, wanted: string): void {
  const { spec = {} } = pod as KubeObject & {
    spec?: {
      containers?: readonly Named[];
      initContainers?: readonly Named[];
      ephemeralContainers?: readonly Named[];
    };
  };
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec;
  const names = (list: readonly Named[]) => list.map(({ name }) => name);
  const { name } = pod.metadata;
  if (wanted !== "") {
    if (names([...containers, ...initContainers, ...ephemeralContainers]).includes(wanted)) return;
    throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  }
  if (containers.length <= 1) return;
  const inits =
    initContainers.length > 0 ? ` or one of the init containers: [${names(initContainers).join(" ")}]` : "";
  const own = `[${names(containers).join(" ")}]`;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: ${own}${inits}`);
}

function podsOrRefusal(pods: PodAccess | undefined): PodAccess {
  if (pods !== undefined) return pods;
  throw noNode();
}

function noNode(): StatusError {
  const message = "no node is running that could stream from pods";
  return new StatusError({ message, reason: "ServiceUnavailable", code: 503 });
}

/** WebSocket and SPDY requests: the same questions as for others, then the connection is the stream's. */
export function upgradeHandler(options: HandlerOptions) {
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    handleUpgrade(options, request, socket, head).catch((error: unknown) => refuseUpgrade(socket, error));
  };
}

async function handleUpgrade(
  options: HandlerOptions,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on("error", () => socket.destroy());
  const info = readRequest(request.method ?? "GET", request.url ?? "/");
  const foreign = foreignRequest(request, options.hosts);
  if (foreign !== undefined) throw new StatusError({ message: foreign, reason: "Forbidden", code: 403 });
  if (info === undefined) throw notServed();
  const user = actingUser(request, options.readToken, options.api.store);
  const { resource } = info;
  // A command in a pod is more than a look at it, whatever the method says.
  allow(options.api, user, resource?.subresource === undefined ? info : { ...info, verb: "create" });
  if (resource?.plural !== "pods" || resource.group !== "") throw notServed();
  return serveStreams(podsOrRefusal(options.pods()), options.api.clock, resource, info.query, {
    request,
    socket,
    head,
  });
}

/** A Binding POSTed to the collection names its pod by its own name. */
async function answerBinding(
  api: Api,
  served: ServedKind,
  path: ResourcePath,
  exchange: Exchange,
): Promise<void> {
  const { request, response, info } = exchange;
  if (info.verb !== "create" || path.name !== undefined) throw methodNotAllowed();
  const options = writeOptions(info.query, "CreateOptions", request.headers["user-agent"]);
  const bytes = await readBody(request);
  const format = bodyFormat(request.headers["content-type"]);
  const sent = readObjectBody(bytes, format, served, options.fieldValidation, () => {});
  const ref = {
    name: sent.metadata.name,
    ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
  };
  api.bind(ref, sent, options);
  answer(response, 201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}

async function answerReview(
  { api, readToken }: HandlerOptions,
  served: ServedKind,
  exchange: Exchange,
): Promise<void> {
  const { request, response, info, user } = exchange;
  if (info.resource?.name !== undefined) throw notServed();
  if (info.verb !== "create") throw methodNotAllowed();
  const warnings: string[] = [];
  const { fieldManager, fieldValidation } = writeOptions(
    info.query,
    "CreateOptions",
    request.headers["user-agent"],
  );
  const bytes = await readBody(request);
  const sent = readObjectBody(
    bytes,
    bodyFormat(request.headers["content-type"]),
    served,
    fieldValidation,
    (text) => warnings.push(text),
  );
  setWarnings(response, warnings);
  answer(
    response,
    201,
    review(api, served, sent, user, readToken, fieldManager ?? "unknown", info.resource?.namespace),
  );
}

const DISCOVERY_FORMS = ["APIGroupDiscoveryList"];

function answerPath(options: HandlerOptions, own: Own, exchange: Exchange) {
  const { request, response, info } = exchange;
  const { api } = options;
  const { path, query } = info;
  const [, root = "", ...rest] = path.replace(/\/$/, "").split("/");
  // These look at the path alone.
  const anyMethod =
    HEALTH_PATHS.includes(`/${root}`) || path === "/" || path === "/metrics" || path === "/apis";
  if (request.method !== "GET" && !anyMethod) throw methodNotAllowed();
  if (HEALTH_PATHS.includes(`/${root}`)) return answerHealth(api, response, path, query);
  switch (root) {
    case "":
      return answer(response, 200, { paths: rootPaths() });
    case "version":
      negotiate(request.headers.accept, { jsonOnly: true });
      return answer(response, 200, versionInfo());
    case "metrics":
      if (rest.length > 0) return answerText(response, 404, "404 page not found\n");
      return answerText(response, 200, own.metrics.render(api), "text/plain; version=0.0.4; charset=utf-8");
    case "api":
    case "apis":
      return answerDiscovery(options, root, rest, exchange);
    case "openapi":
      if (path.endsWith("/")) return answerText(response, 404, "404 page not found\n");
      return own.openApi.answer(rest, exchange);
    default:
      return answerText(response, 404, "404 page not found\n");
  }
}

function answerDiscovery(
  { api, address }: HandlerOptions,
  root: "api" | "apis",
  [first, second]: readonly string[],
  { request, response }: Exchange,
) {
  if (first === undefined) {
    const form = negotiate(request.headers.accept, { forms: DISCOVERY_FORMS });
    if (form.as === "APIGroupDiscoveryList") {
      const version = form.version ?? "v2";
      const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
      response.setHeader("Vary", "Accept");
      return answer(response, 200, aggregatedDiscovery(api.kinds, root === "api", version), { contentType });
    }
    return answer(response, 200, root === "api" ? apiVersions(address()) : apiGroupList(api.kinds), form);
  }
  const form = negotiate(request.headers.accept);
  const document =
    root === "api"
      ? apiResourceList(api.kinds, "", first)
      : second === undefined
        ? apiGroup(api.kinds, first)
        : apiResourceList(api.kinds, first, second);
  if (document !== undefined) return answer(response, 200, document, form);
  // Of groups that are there, it is only the version that is not.
  const known = root === "api" || api.kinds.hasGroup(first);
  if (known && second !== undefined ? true : root === "api") throw notServed();
  return answerText(response, 404, "404 page not found\n");
}

const rootPaths = (): string[] => [
  "/api",
  "/api/v1",
  "/apis",
  ...HEALTH_PATHS,
  "/metrics",
  "/openapi/v2",
  "/openapi/v3",
  "/version",
];

function versionInfo(): object {
  const version = kubernetesVersion();
  const [major = "1", minor = "0"] = version.split(".");
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: `v${version}`,
    gitCommit: "",
    gitTreeState: "",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "gc",
    platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
  };
}

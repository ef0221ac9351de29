import type { KubeObject } from "@tracegate/kube";
import { builtInType, decodeBuiltInBody, forbidden, StatusError } from "@tracegate/kube";
import { escalationCheck } from "../auth/escalation.ts";
import type { Api } from "../core/api.ts";
import { asConfiguration } from "../core/applying.ts";
import type { ObjectRef } from "../core/context.ts";
import type { DeleteRequest } from "../core/deletion.ts";
import { patched, patchedBy } from "../core/patching.ts";
import { checkReached } from "../core/reading.ts";
import { receive } from "../core/receiving.ts";
import {
  badRequest,
  invalidOptions,
  methodNotAllowed,
  notFound,
  notServed,
  plainError,
  qualified,
} from "../core/refusals.ts";
import type { ServedKind } from "../core/served-kinds.ts";
import { answer, setWarnings } from "./answers.ts";
import { bodyFormat, rawBody, readBody, readObjectBody } from "./bodies.ts";
import type { Exchange } from "./exchange.ts";
import { negotiate } from "./negotiation.ts";
import { readPatch } from "./patch-bodies.ts";
import { isDryRun, listQuery, wholeNumber, writeOptions } from "./query-options.ts";
import { listAs, objectAs, offerOf } from "./representations.ts";
import type { ResourcePath } from "./request-info.ts";
import { isTrue } from "./request-info.ts";
import { streamWatch } from "./watch-stream.ts";

/** Kinds whose DELETE answers with the object rather than a Status. */
const ANSWER_WITH_OBJECT = new Set([
  "pods",
  "services",
  "serviceaccounts",
  "persistentvolumes",
  "persistentvolumeclaims",
  "podtemplates",
  "resourcequotas",
  "storageclasses.storage.k8s.io",
  "csidrivers.storage.k8s.io",
  "csinodes.storage.k8s.io",
  "csistoragecapacities.storage.k8s.io",
  "volumeattachments.storage.k8s.io",
  "volumeattributesclasses.storage.k8s.io",
]);

/** Built-in kinds that are never updated without saying from which version. */
const CONDITIONAL = new Set([
  "customresourcedefinitions.apiextensions.k8s.io",
  "poddisruptionbudgets.policy",
  "leases.coordination.k8s.io",
  "csidrivers.storage.k8s.io",
  "csinodes.storage.k8s.io",
  "csistoragecapacities.storage.k8s.io",
  "volumeattachments.storage.k8s.io",
]);

/** What is said of every request for a kind that is on its way out. */
const DEPRECATED: Readonly<Record<string, readonly string[]>> = {
  endpoints: ["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"],
  componentstatuses: ["v1 ComponentStatus is deprecated in v1.19+"],
};

const deprecations = (served: ServedKind): readonly string[] =>
  served.custom?.deprecation === undefined
    ? (DEPRECATED[qualified(served)] ?? [])
    : [served.custom.deprecation];

const JOB_ORPHANS =
  "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set " +
  "propagationPolicy=Orphan to suppress this warning";

/** Carries out a request for a resource that is stored. */
export async function handleResource(
  api: Api,
  served: ServedKind,
  path: ResourcePath,
  exchange: Exchange,
): Promise<void> {
  const { info } = exchange;
  checkScope(served, path);
  if (path.subresource !== undefined) return handleSubresource(api, served, path, exchange);
  setWarnings(exchange.response, deprecations(served));
  if (
    info.verb === "create" &&
    (path.name !== undefined || (served.namespaced && path.namespace === undefined))
  ) {
    throw methodNotAllowed();
  }
  if (info.verb === "deletecollection" && served.namespaced && path.namespace === undefined) {
    throw methodNotAllowed();
  }
  if ((info.verb === "patch" || info.verb === "update") && path.name === undefined) throw methodNotAllowed();
  if (info.verb !== "watch" && !isTrue(info.query.get("watch")) && !served.verbs.includes(info.verb)) {
    throw methodNotAllowed();
  }
  switch (info.verb) {
    case "watch":
      return streamWatch(api, served, exchange);
    case "list":
      return answerList(api, served, path, exchange);
    case "get":
      negotiate(exchange.request.headers.accept, offerOf(served));
      checkReached(api.store, info.query.get("resourceVersion"));
      return answerObject(api, served, 200, api.get(served, refOf(path)), exchange);
    case "create":
      return create(api, served, path, exchange);
    case "update":
      return update(api, served, path, "", exchange);
    case "patch":
      return patch(api, served, path, "", exchange);
    case "delete":
      return remove(api, served, path, exchange);
    case "deletecollection":
      return removeCollection(api, served, path, exchange);
    default:
      throw methodNotAllowed();
  }
}

function checkScope(served: ServedKind, path: ResourcePath): void {
  if (!served.namespaced && path.namespace !== undefined) throw notServed();
  if (served.namespaced && path.namespace === undefined && path.name !== undefined) throw notServed();
}

export function refOf({ namespace, name = "" }: ResourcePath): ObjectRef {
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}

async function handleSubresource(
  api: Api,
  served: ServedKind,
  path: ResourcePath,
  exchange: Exchange,
): Promise<void> {
  const subresource = path.subresource ?? "";
  const sub = served.subresources.find(({ name }) => name === subresource);
  if (sub === undefined) throw served.custom === undefined ? notServed() : notFound(served, path.name ?? "");
  const { verb } = exchange.info;
  if (!sub.verbs.includes(verb)) throw methodNotAllowed();
  const ref = refOf(path);
  if (subresource === "scale") return handleScale(api, served, ref, exchange);
  switch (verb) {
    case "get":
      return answerObject(api, served, 200, api.get(served, ref), exchange);
    case "update":
      return update(api, served, path, subresource, exchange);
    case "patch":
      return patch(api, served, path, subresource, exchange);
    default:
      throw notServed();
  }
}

function admission(
  api: Api,
  served: ServedKind,
  { user }: Exchange,
): { admit?: (object: KubeObject) => void } {
  const admit = escalationCheck(api.store, user, served);
  return admit === undefined ? {} : { admit };
}

function tableWish(api: Api, { info }: Exchange) {
  const includeObject = info.query.get("includeObject") || "Metadata";
  return { includeObject, now: api.clock.now() };
}

function answerObject(
  api: Api,
  served: ServedKind,
  code: number,
  object: KubeObject,
  exchange: Exchange,
): void {
  const { request, response } = exchange;
  const form = negotiate(request.headers.accept, offerOf(served));
  answer(response, code, objectAs(served, object, form, tableWish(api, exchange)), form);
}

function answerList(api: Api, served: ServedKind, path: ResourcePath, exchange: Exchange): void {
  const { request, response, info } = exchange;
  const form = negotiate(request.headers.accept, offerOf(served, true));
  const seconds = info.query.get("timeoutSeconds");
  if (seconds !== null && seconds !== "") wholeNumber(seconds);
  const list = api.list(served, listQuery(info.query, path.namespace));
  answer(response, 200, listAs(served, list, form, tableWish(api, exchange)), form);
}

async function create(api: Api, served: ServedKind, path: ResourcePath, exchange: Exchange): Promise<void> {
  const { request, response, info } = exchange;
  negotiate(request.headers.accept, offerOf(served));
  const options = {
    ...writeOptions(info.query, "CreateOptions", request.headers["user-agent"]),
    ...admission(api, served, exchange),
  };
  const format = bodyFormat(request.headers["content-type"]);
  const warnings: string[] = [];
  const warn = (text: string) => {
    // Told even where the request is refused afterwards.
    warnings.push(text);
    setWarnings(response, [...deprecations(served), ...warnings]);
  };
  const object = readObjectBody(await readBody(request), format, served, options.fieldValidation, warn);
  const made = api.create(served, path.namespace, object, { ...options, warn });
  answerObject(api, served, 201, made, exchange);
}

async function update(
  api: Api,
  served: ServedKind,
  path: ResourcePath,
  subresource: string,
  exchange: Exchange,
): Promise<void> {
  const { request, response, info } = exchange;
  negotiate(request.headers.accept, offerOf(served));
  const options = {
    ...writeOptions(info.query, "UpdateOptions", request.headers["user-agent"]),
    ...admission(api, served, exchange),
  };
  const format = bodyFormat(request.headers["content-type"]);
  const warnings: string[] = [];
  const warn = (text: string) => {
    // Told even where the request is refused afterwards.
    warnings.push(text);
    setWarnings(response, [...deprecations(served), ...warnings]);
  };
  const object = readObjectBody(await readBody(request), format, served, options.fieldValidation, warn);
  const conditional = served.custom !== undefined || CONDITIONAL.has(qualified(served));
  const made = api.updateOrCreate(served, refOf(path), object, {
    ...options,
    warn,
    subresource,
    conditional,
  });
  answerObject(api, served, made.created ? 201 : 200, made.object, exchange);
}

async function patch(
  api: Api,
  served: ServedKind,
  path: ResourcePath,
  subresource: string,
  exchange: Exchange,
): Promise<void> {
  const { request, response, info } = exchange;
  negotiate(request.headers.accept, offerOf(served));
  const { patch: body, complaints } = await readPatch(served, exchange.request);
  const apply = body.type === "apply";
  const given = {
    ...writeOptions(info.query, "PatchOptions", request.headers["user-agent"]),
    ...admission(api, served, exchange),
  };
  if (!apply && info.query.has("force")) {
    throw invalidOptions("PatchOptions", forbidden("force", "may not be specified for non-apply patch"));
  }
  // Server-side apply never guesses who applies.
  const options = apply ? { ...given, fieldManager: info.query.get("fieldManager") ?? "" } : given;
  const warnings: string[] = [];
  const warn = (text: string) => {
    warnings.push(text);
    setWarnings(response, [...deprecations(served), ...warnings]);
  };
  const wish = { ...options, subresource, complaints, warn };
  const force = isTrue(info.query.get("force"));
  const result = apply
    ? api.apply(served, refOf(path), asConfiguration(body.body), { ...wish, force })
    : { object: api.patch(served, refOf(path), body, wish), created: false };
  answerObject(api, served, result.created ? 201 : 200, result.object, exchange);
}

async function handleScale(api: Api, served: ServedKind, ref: ObjectRef, exchange: Exchange): Promise<void> {
  const { request, response, info } = exchange;
  const form = negotiate(request.headers.accept, offerOf(served));
  const scale = scaleKind();
  const respond = (answered: KubeObject) =>
    answer(response, 200, objectAs(scale, answered, form, tableWish(api, exchange)), form);
  if (info.verb === "get") return respond(api.getScale(served, ref));
  const isPatch = info.verb === "patch";
  const options = writeOptions(
    info.query,
    isPatch ? "PatchOptions" : "UpdateOptions",
    request.headers["user-agent"],
  );
  if (isPatch) {
    const { patch: body, complaints } = await readPatch(served, exchange.request);
    if (body.type === "apply") {
      const wish = {
        ...options,
        fieldManager: info.query.get("fieldManager") ?? "",
        force: isTrue(info.query.get("force")),
      };
      return respond(api.applyScale(served, ref, asConfiguration(body.body), wish));
    }
    const by = { ...options, patched: patchedBy(scale, body, complaints) };
    const change = (now: KubeObject) => receive(scale, patched(scale, now, body), by, now);
    return respond(api.updateScale(served, ref, change, options));
  }
  const format = bodyFormat(request.headers["content-type"]);
  const sent = readObjectBody(await readBody(request), format, scale, options.fieldValidation, () => {});
  respond(api.updateScale(served, ref, () => sent, options));
}

/** A kind that exists only as the body of a subresource: Scale, Eviction, TokenRequest. */
export function postedKind(group: string, version: string, kind: string): ServedKind {
  const apiVersion = group === "" ? version : `${group}/${version}`;
  const type = builtInType(apiVersion, kind);
  return {
    group,
    version,
    plural: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    kind,
    listKind: `${kind}List`,
    namespaced: true,
    verbs: [],
    shortNames: [],
    categories: [],
    subresources: [],
    collection: "",
    storageApiVersion: apiVersion,
    ...(type === undefined ? {} : { type }),
  };
}

const scaleKind = (): ServedKind => postedKind("autoscaling", "v1", "Scale");

async function remove(api: Api, served: ServedKind, path: ResourcePath, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  negotiate(request.headers.accept, offerOf(served));
  const wish = await deleteRequest(served, exchange);
  if (qualified(served) === "jobs.batch" && !wish.propagationPolicy && wish.orphanDependents === undefined) {
    setWarnings(response, [...deprecations(served), JOB_ORPHANS]);
  }
  const { object, removed } = api.delete(served, refOf(path), wish);
  if (!removed || ANSWER_WITH_OBJECT.has(qualified(served))) {
    return answerObject(api, served, 200, object, exchange);
  }
  const { name, uid } = object.metadata;
  answer(response, 200, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name, ...(served.group === "" ? {} : { group: served.group }), kind: served.plural, uid },
  });
}

async function removeCollection(
  api: Api,
  served: ServedKind,
  path: ResourcePath,
  exchange: Exchange,
): Promise<void> {
  const { request, response, info } = exchange;
  const form = negotiate(request.headers.accept, offerOf(served, true));
  const options = await deleteRequest(served, exchange);
  const found = api.deleteCollection(served, listQuery(info.query, path.namespace), options);
  answer(response, 200, listAs(served, found, form, tableWish(api, exchange)), form);
}

/** Options that cannot be read are told of by the bare error of their decoder. */
function plainly<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof StatusError) || error.status.reason !== "BadRequest") throw error;
    const { message = "" } = error.status;
    const bare =
      /^(?:the object provided is unrecognized \(must be of type DeleteOptions\)|DeleteOptions in version ".*" cannot be handled as a DeleteOptions): (.*?)(?: \([^()]*\))?$/s;
    throw plainError(bare.exec(message)?.[1] ?? message);
  }
}

/** DeleteOptions of the body, or of the query where there is no body. */
export async function deleteRequest(served: ServedKind, { request, info }: Exchange): Promise<DeleteRequest> {
  const bytes = await readBody(request);
  const expected = { group: served.group, version: served.version, kind: "DeleteOptions" };
  if (bytes.length > 0) {
    const type = builtInType("v1", "DeleteOptions");
    if (type === undefined) throw new Error("DeleteOptions is missing in the tables");
    const object = plainly(() => {
      const raw = rawBody(bytes, bodyFormat(request.headers["content-type"]), expected);
      const { apiVersion, kind, ...fields } = raw.object;
      if ((kind ?? "DeleteOptions") !== "DeleteOptions") {
        const version = JSON.stringify(apiVersion ?? "v1");
        throw badRequest(
          `no kind ${JSON.stringify(kind)} is registered for version ${version} in scheme "pkg/runtime/scheme.go:110"`,
        );
      }
      return decodeBuiltInBody({ ...raw, object: fields }, type, expected).object;
    });
    const { dryRun, ...options } = object as DeleteRequest & { dryRun?: string[] };
    return { ...options, dryRun: isDryRun((dryRun as string[] | undefined) ?? [], "DeleteOptions") };
  }
  const { query } = info;
  const grace = query.get("gracePeriodSeconds");
  const policy = query.get("propagationPolicy");
  const orphan = query.get("orphanDependents");
  return {
    dryRun: isDryRun(query.getAll("dryRun"), "DeleteOptions"),
    ...(grace === null ? {} : { gracePeriodSeconds: wholeNumber(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(orphan === null ? {} : { orphanDependents: isTrue(orphan) }),
  };
}

import { formatTime, invalid as invalidField, type KubeObject } from "@tracegate/kube";
import type { ServiceAccountTokens } from "../auth/service-account-tokens.ts";
import type { Api } from "../core/api.ts";
import type { DeleteRequest } from "../core/deletion.ts";
import { badRequest, invalid, notServed } from "../core/refusals.ts";
import type { ServedKind } from "../core/served-kinds.ts";
import { answer } from "./answers.ts";
import { bodyFormat, readBody, readObjectBody } from "./bodies.ts";
import type { Exchange } from "./exchange.ts";
import { isDryRun, writeOptions } from "./query-options.ts";
import type { ResourcePath } from "./request-info.ts";
import { postedKind, refOf } from "./resource-requests.ts";

const SUCCESS = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };

/** Subresources that are POSTed to: bindings and evictions of pods, tokens of service accounts. */
export async function handlePosted(
  api: Api,
  tokens: ServiceAccountTokens,
  served: ServedKind,
  path: ResourcePath,
  exchange: Exchange,
): Promise<void> {
  const sub = served.subresources.find(({ name }) => name === path.subresource);
  if (sub === undefined) throw notServed();
  const { request, response, info } = exchange;
  const options = writeOptions(info.query, "CreateOptions", request.headers["user-agent"]);
  const kind = postedKind(sub.group, sub.version, sub.kind);
  const format = bodyFormat(request.headers["content-type"]);
  const bytes = await readBody(request);
  const sent = readObjectBody(bytes, format, versionOf(kind, bytes), options.fieldValidation, () => {});
  const ref = refOf(path);
  switch (`${served.plural}/${sub.name}`) {
    case "pods/binding":
      api.bind(ref, sent, options);
      answer(response, 201, SUCCESS);
      return;
    case "pods/eviction": {
      if ((sent.metadata.name ?? "") !== "" && sent.metadata.name !== path.name) {
        throw badRequest("name in URL does not match name in Eviction object");
      }
      const { deleteOptions } = sent as KubeObject & {
        deleteOptions?: DeleteRequest & { dryRun?: string[] };
      };
      const { dryRun, ...wish } = deleteOptions ?? {};
      const dry =
        isDryRun((dryRun as string[] | undefined) ?? [], "DeleteOptions") || options.dryRun === true;
      api.evict(ref, { ...wish, dryRun: dry });
      answer(response, 201, SUCCESS);
      return;
    }
    case "serviceaccounts/token":
      answer(response, 201, issueToken(api, tokens, served, path, sent));
      return;
    default:
      throw notServed();
  }
}

/** Evictions are also taken in their older version, which has the same form. */
function versionOf(kind: ServedKind, bytes: Buffer): ServedKind {
  const older = kind.kind === "Eviction" && bytes.includes("policy/v1beta1");
  return older ? { ...kind, version: "v1beta1" } : kind;
}

interface TokenRequest extends KubeObject {
  spec?: {
    audiences?: string[] | null;
    expirationSeconds?: number | null;
    boundObjectRef?: { apiVersion?: string; kind?: string; name?: string; uid?: string } | null;
  };
}

function issueToken(
  api: Api,
  tokens: ServiceAccountTokens,
  served: ServedKind,
  path: ResourcePath,
  sent: TokenRequest,
): object {
  const { metadata } = api.get(served, refOf(path));
  checkTokenRequest(api, path, sent);
  const { audiences, expirationSeconds, boundObjectRef } = sent.spec ?? {};
  if (typeof expirationSeconds === "number") checkLifetime(expirationSeconds);
  const pod =
    boundObjectRef?.kind === "Pod"
      ? { name: boundObjectRef.name ?? "", uid: boundObjectRef.uid ?? "" }
      : undefined;
  const { token, expires } = tokens.issue(
    { namespace: metadata.namespace ?? "", name: metadata.name, uid: metadata.uid ?? "" },
    {
      ...(audiences ? { audiences } : {}),
      ...(typeof expirationSeconds === "number" ? { seconds: expirationSeconds } : {}),
      ...(pod === undefined ? {} : { pod }),
    },
  );
  const { name, namespace } = metadata;
  const creationTimestamp = formatTime(api.clock.now());
  return {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name, namespace, creationTimestamp },
    spec: { ...sent.spec, expirationSeconds: expirationSeconds ?? 3600 },
    status: { token, expirationTimestamp: formatTime(expires) },
  };
}

const TOKEN_REQUEST = { group: "authentication.k8s.io", kind: "TokenRequest" };

/** The kinds of objects whose end may end a token. */
const BINDABLE: Readonly<Record<string, string>> = { Pod: "pods", Secret: "secrets", Node: "nodes" };

function checkTokenRequest(api: Api, path: ResourcePath, { metadata, spec }: TokenRequest): void {
  const { name = "" } = path;
  if ((metadata.name ?? "") !== "" && metadata.name !== name) {
    const detail = "must match the service account name if specified";
    throw invalid(TOKEN_REQUEST, name, [invalidField("metadata.name", metadata.name, detail)]);
  }
  if ((metadata.namespace ?? "") !== "" && metadata.namespace !== path.namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  const bound = spec?.boundObjectRef ?? undefined;
  if (bound === undefined) return;
  const plural = BINDABLE[bound.kind ?? ""];
  const kind = plural === undefined ? undefined : api.kinds.find("", "v1", plural);
  if (kind === undefined || bound.apiVersion !== "v1") {
    throw badRequest(
      `cannot bind token to object of type /${bound.apiVersion ?? ""}, Kind=${bound.kind ?? ""}`,
    );
  }
  if ((bound.name ?? "") === "") throw badRequest("Name parameter required.");
  api.get(kind, {
    name: bound.name ?? "",
    ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
  });
}

/** Seconds. */
const SHORTEST_TOKEN = 600;
const LONGEST_TOKEN = 2 ** 32;

function checkLifetime(seconds: number): void {
  if (seconds >= SHORTEST_TOKEN && seconds <= LONGEST_TOKEN) return;
  const bound = seconds < SHORTEST_TOKEN ? "less than 10 minutes" : "larger than 2^32 seconds";
  const detail = `may not specify a duration ${bound}`;
  throw invalid(TOKEN_REQUEST, "", [invalidField("spec.expirationSeconds", seconds, detail)]);
}

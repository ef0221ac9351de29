import { formatTime, type KubeObject } from "@tracegate/kube";
import type { ServiceAccountTokens } from "../auth/service-account-tokens.ts";
import type { Api } from "../core/api.ts";
import type { DeleteRequest } from "../core/deletion.ts";
import { notServed } from "../core/refusals.ts";
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
  const sent = readObjectBody(await readBody(request), format, kind, options.fieldValidation, () => {});
  const ref = refOf(path);
  switch (`${served.plural}/${sub.name}`) {
    case "pods/binding":
      api.bind(ref, sent, options);
      answer(response, 201, SUCCESS);
      return;
    case "pods/eviction": {
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

interface TokenRequest extends KubeObject {
  spec?: {
    audiences?: string[] | null;
    expirationSeconds?: number;
    boundObjectRef?: { kind?: string; name?: string; uid?: string };
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
  const { audiences, expirationSeconds, boundObjectRef } = sent.spec ?? {};
  const pod =
    boundObjectRef?.kind === "Pod"
      ? { name: boundObjectRef.name ?? "", uid: boundObjectRef.uid ?? "" }
      : undefined;
  const { token, expires } = tokens.issue(
    { namespace: metadata.namespace ?? "", name: metadata.name, uid: metadata.uid ?? "" },
    {
      ...(audiences ? { audiences } : {}),
      ...(expirationSeconds === undefined ? {} : { seconds: expirationSeconds }),
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

import { builtInType, emptyObject, formatTime, type KubeObject, trackUpdate } from "@tracegate/kube";
import type { Api } from "../core/api.ts";
import { asJson } from "../core/object-rules.ts";
import type { ServedKind } from "../core/served-kinds.ts";
import { apiVersionOfResource } from "../core/served-kinds.ts";
import type { TokenReader } from "./authentication.ts";
import { type AccessRequest, authorize, missingRoles, rulesOf } from "./rbac.ts";
import { checkReview, type ReviewSpec } from "./review-rules.ts";
import { AUTHENTICATED, type User } from "./user.ts";

/** Kinds that are asked, not stored: the answer is the object with its status filled in. */
export const REVIEWS = new Set([
  "selfsubjectaccessreviews",
  "subjectaccessreviews",
  "localsubjectaccessreviews",
  "selfsubjectrulesreviews",
  "selfsubjectreviews",
  "tokenreviews",
]);

export function review(
  api: Api,
  served: ServedKind,
  sent: KubeObject,
  user: User,
  readToken: TokenReader,
  fieldManager: string,
  namespace?: string,
): object {
  const { spec = {} } = sent as KubeObject & { spec?: ReviewSpec };
  const owned = withManager(api, served, sent, fieldManager);
  checkReview(served.plural, spec, namespace, owned.metadata);
  switch (served.plural) {
    case "selfsubjectaccessreviews":
      return { ...owned, status: decide(api, user, spec) };
    case "subjectaccessreviews":
    case "localsubjectaccessreviews":
      return {
        ...withNamespace(owned, namespace),
        status: decide(api, { name: spec.user ?? "", groups: spec.groups ?? [] }, spec),
      };
    case "selfsubjectrulesreviews": {
      const { apiVersion, kind } = sent;
      // The question is not repeated.
      return { kind, apiVersion, metadata: {}, spec: {}, status: allRules(api, user, spec.namespace ?? "") };
    }
    case "tokenreviews":
      return { ...owned, status: tokenStatus(spec, readToken) };
    default: {
      const { apiVersion, kind } = sent;
      const metadata = { creationTimestamp: formatTime(api.clock.now()) };
      return { kind, apiVersion, metadata, status: { userInfo: userInfo(user) } };
    }
  }
}

function withNamespace(object: KubeObject, namespace: string | undefined): KubeObject {
  return namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

/** As real servers answer: even an object that is not stored says who wrote it. */
function withManager(api: Api, served: ServedKind, sent: KubeObject, manager: string): KubeObject {
  const apiVersion = apiVersionOfResource(served);
  const type = builtInType(apiVersion, served.kind);
  if (type === undefined) return sent;
  const empty = emptyObject(type, apiVersion, served.kind);
  const managedFields = trackUpdate(type, empty, asJson(sent), {
    manager,
    apiVersion,
    subresource: "",
    time: formatTime(api.clock.now()),
  });
  return {
    ...sent,
    metadata: { ...sent.metadata, ...(managedFields === undefined ? {} : { managedFields }) },
  };
}

function decide(
  api: Api,
  user: User,
  { resourceAttributes: attributes, nonResourceAttributes }: ReviewSpec,
): object {
  const request: AccessRequest =
    attributes === undefined
      ? { verb: nonResourceAttributes?.verb ?? "", path: nonResourceAttributes?.path ?? "" }
      : {
          verb: attributes.verb ?? "",
          resource: {
            group: attributes.group ?? "",
            plural: attributes.resource ?? "",
            ...(attributes.subresource ? { subresource: attributes.subresource } : {}),
            ...(attributes.namespace ? { namespace: attributes.namespace } : {}),
            ...(attributes.name ? { name: attributes.name } : {}),
          },
        };
  const { allowed, reason } = authorize(api.store, user, request);
  return { allowed, ...(reason === "" ? {} : { reason }) };
}

function allRules(api: Api, user: User, namespace: string): object {
  const rules = [...rulesOf(api.store, user, namespace)].flatMap((found) => found.rules);
  return {
    resourceRules: rules.flatMap(({ verbs, apiGroups, resources, resourceNames }) =>
      resources === undefined
        ? []
        : [{ verbs, apiGroups, resources, ...(resourceNames === undefined ? {} : { resourceNames }) }],
    ),
    nonResourceRules: rules.flatMap(({ verbs, nonResourceURLs }) =>
      nonResourceURLs === undefined ? [] : [{ verbs, nonResourceURLs }],
    ),
    incomplete: false,
    ...evaluationError(missingRoles(api.store, user, namespace)),
  };
}

function evaluationError(missing: readonly string[]): { evaluationError?: string } {
  const texts = missing.map((name) => `role.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`);
  if (texts.length === 0) return {};
  return { evaluationError: texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]` };
}

/** The audience of the server itself. */
const AUDIENCE = "https://kubernetes.default.svc";

function tokenStatus({ token = "", audiences = [AUDIENCE] }: ReviewSpec, readToken: TokenReader): object {
  const user = readToken(token);
  const heard = audiences.filter((audience) => audience === AUDIENCE);
  if (user === undefined || heard.length === 0) return { user: {}, error: "invalid bearer token" };
  const groups = [...new Set([...user.groups, AUTHENTICATED])];
  return {
    authenticated: true,
    user: userInfo({ ...user, groups }),
    audiences: heard,
  };
}

function userInfo({ name, uid, groups, extra }: User): object {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  };
}

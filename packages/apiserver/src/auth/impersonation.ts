import type { IncomingMessage } from "node:http";
import type { Store } from "@tracegate/store";
import { badRequest, forbidden } from "../core/refusals.ts";
import { authenticate, type TokenReader } from "./authentication.ts";
import { type AccessRequest, authorize, denialText } from "./rbac.ts";
import { ANONYMOUS, AUTHENTICATED, type User } from "./user.ts";

/** Whom a request counts as: who makes it, or who they ask to act as (`kubectl --as`) and may impersonate. */
export function actingUser(request: IncomingMessage, readToken: TokenReader, store: Store): User {
  const user = authenticate(request, readToken);
  const wished = wishedUser(request);
  if (wished === undefined) return user;
  for (const resource of impersonatedResources(wished)) {
    const access = { verb: "impersonate", resource };
    if (!authorize(store, user, access).allowed) {
      throw forbidden(resource, resource.name, denialText(user, access));
    }
  }
  return withOwnGroups(wished);
}

const EXTRA = "impersonate-extra-";

/** From the headers, which may be repeated. */
function wishedUser({ headersDistinct: headers }: IncomingMessage): User | undefined {
  const [name] = headers["impersonate-user"] ?? [];
  const groups = headers["impersonate-group"] ?? [];
  const [uid] = headers["impersonate-uid"] ?? [];
  const extra = Object.fromEntries(
    Object.entries(headers)
      .filter(([header]) => header.startsWith(EXTRA))
      .map(([header, values = []]) => [unescaped(header.slice(EXTRA.length)), values]),
  );
  if (name !== undefined && name !== "") {
    return {
      ...{ name, groups },
      ...(uid === undefined ? {} : { uid }),
      ...(Object.keys(extra).length === 0 ? {} : { extra }),
    };
  }
  if (groups.length > 0 || uid !== undefined || Object.keys(extra).length > 0) {
    throw badRequest("groups, a uid or extra values cannot be impersonated without a user");
  }
  return undefined;
}

/** Of a header's name; clients escape what may not stand there. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

type Resource = NonNullable<AccessRequest["resource"]> & { readonly name: string };

const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** What RBAC has to allow, one by one. */
function impersonatedResources({ name, uid, groups, extra = {} }: User): Resource[] {
  const [, namespace, account] = ACCOUNT.exec(name) ?? [];
  const authentication = { group: "authentication.k8s.io" };
  return [
    namespace === undefined || account === undefined
      ? { group: "", plural: "users", name }
      : { group: "", plural: "serviceaccounts", namespace, name: account },
    ...groups.map((group) => ({ group: "", plural: "groups", name: group })),
    ...(uid === undefined ? [] : [{ ...authentication, plural: "uids", name: uid }]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ({ ...authentication, plural: "userextras", subresource: key, name: value })),
    ),
  ];
}

/** A service account is in its groups without saying so; everybody but the anonymous user is authenticated. */
function withOwnGroups(user: User): User {
  const [, namespace] = ACCOUNT.exec(user.name) ?? [];
  const own =
    namespace === undefined || user.groups.length > 0
      ? user.groups
      : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
  const all = user.name === ANONYMOUS.name ? ANONYMOUS.groups : [AUTHENTICATED];
  return { ...user, groups: [...new Set([...own, ...all])] };
}

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { StatusError } from "@tracegate/kube";
import { ANONYMOUS, AUTHENTICATED, type User } from "./user.ts";

/** A bearer token and whom it stands for. */
export interface TokenUser {
  readonly token: string;
  readonly user: User;
}

/** Says whom a bearer token stands for; undefined for one it does not know. */
export type TokenReader = (token: string) => User | undefined;

/** Who makes a request: by client certificate, else by bearer token, else nobody. A wrong token is refused. */
export function authenticate(request: IncomingMessage, readToken: TokenReader): User {
  const bearer = bearerToken(request);
  const user = certificateUser(request) ?? (bearer === undefined ? undefined : readToken(bearer));
  if (user !== undefined) return { ...user, groups: [...new Set([...user.groups, AUTHENTICATED])] };
  if (bearer !== undefined) throw unauthorized();
  // Other ways to say who one is say nothing here.
  return ANONYMOUS;
}

export function unauthorized(): StatusError {
  return new StatusError({ message: "Unauthorized", reason: "Unauthorized", code: 401 });
}

/** A reader of fixed tokens. Compared by digest, so that time tells nothing about them. */
export function tokenReader(tokens: readonly TokenUser[]): TokenReader {
  const known = tokens.map(({ token, user }) => ({ digest: digest(token), user }));
  return (token) => {
    const wanted = digest(token);
    let found: User | undefined;
    for (const candidate of known) if (timingSafeEqual(candidate.digest, wanted)) found = candidate.user;
    return found;
  };
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

function bearerToken({ headers }: IncomingMessage): string | undefined {
  const match = /^bearer +(\S+)$/i.exec(headers.authorization ?? "");
  if (match?.[1] !== undefined) return match[1];
  // Browsers cannot set headers on WebSockets and send the token as a subprotocol.
  const prefix = "base64url.bearer.authorization.k8s.io.";
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim());
  const encoded = offered.find((protocol) => protocol.startsWith(prefix))?.slice(prefix.length);
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64url").toString("utf8");
}

/** The subject of a client certificate that our own authority signed: CN is the user, each O a group. */
function certificateUser({ socket }: IncomingMessage): User | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  // Several values of one name come as a list, which the types do not say.
  const values = (value: unknown): string[] =>
    Array.isArray(value) ? value.map(String) : value ? [String(value)] : [];
  const [name] = values(subject?.CN);
  return name === undefined ? undefined : { name, groups: values(subject.O) };
}

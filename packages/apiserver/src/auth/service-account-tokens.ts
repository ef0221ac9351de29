import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
  verify,
} from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Api } from "../core/api.ts";
import { storedObject } from "../core/reading.ts";
import type { TokenReader } from "./authentication.ts";
import { writePrivate } from "./certificates.ts";
import type { User } from "./user.ts";

const ISSUER = "https://kubernetes.default.svc";
const MIN_SECONDS = 600;

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly exp: number;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly serviceaccount: { readonly name: string; readonly uid: string };
    readonly pod?: { readonly name: string; readonly uid: string };
  };
}

/** Signs and reads the tokens of service accounts: JWTs that hold while the account, and the pod they are bound to, exist. */
export interface ServiceAccountTokens {
  readonly read: TokenReader;
  issue(
    account: { readonly namespace: string; readonly name: string; readonly uid: string },
    wish: {
      readonly audiences?: readonly string[];
      readonly seconds?: number;
      readonly pod?: { name: string; uid: string };
    },
  ): { readonly token: string; readonly expires: number };
}

/** Keeps the signing key in `directory`, or only in memory where none is given. */
export function serviceAccountTokens(api: Api, directory?: string): ServiceAccountTokens {
  const key = signingKey(directory);
  const publicKey = createPublicKey(key);
  return {
    issue({ namespace, name, uid }, { audiences = [ISSUER], seconds = 3600, pod }) {
      const now = Math.floor(api.clock.now() / 1000);
      const expires = now + Math.max(MIN_SECONDS, seconds);
      const claims: Claims & { [claim: string]: unknown } = {
        aud: audiences,
        exp: expires,
        iat: now,
        nbf: now,
        iss: ISSUER,
        jti: randomUUID(),
        sub: `system:serviceaccount:${namespace}:${name}`,
        "kubernetes.io": { namespace, serviceaccount: { name, uid }, ...(pod === undefined ? {} : { pod }) },
      };
      const text = `${base64url({ alg: "ES256", typ: "JWT" })}.${base64url(claims)}`;
      const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
      return { token: `${text}.${signature.toString("base64url")}`, expires: expires * 1000 };
    },
    read(token) {
      const claims = readClaims(token, publicKey);
      return claims === undefined ? undefined : userOf(api, claims);
    },
  };
}

function signingKey(directory: string | undefined): KeyObject {
  const path = directory === undefined ? undefined : join(directory, "sa.key");
  if (path !== undefined && existsSync(path)) return createPrivateKey(readFileSync(path, "utf8"));
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  if (path !== undefined) writePrivate(path, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  return privateKey;
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function readClaims(token: string, key: KeyObject): Claims | undefined {
  const [head = "", body = "", signature = "", ...more] = token.split(".");
  if (signature === "" || more.length > 0) return undefined;
  const signed = Buffer.from(`${head}.${body}`);
  const bytes = Buffer.from(signature, "base64url");
  // The algorithm is ours, whatever the head says.
  if (!verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, bytes)) return undefined;
  // Signed by us, so of our form.
  return JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as Claims;
}

function userOf(api: Api, claims: Claims): User | undefined {
  const { namespace, serviceaccount, pod } = claims["kubernetes.io"];
  if (claims.iss !== ISSUER || claims.exp * 1000 <= api.clock.now()) return undefined;
  if (!isAlive(api, `serviceaccounts/${namespace}/${serviceaccount.name}`, serviceaccount.uid))
    return undefined;
  if (pod !== undefined && !isAlive(api, `pods/${namespace}/${pod.name}`, pod.uid)) return undefined;
  return {
    name: claims.sub,
    uid: serviceaccount.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
  };
}

function isAlive(api: Api, key: string, uid: string): boolean {
  const entry = api.store.get(key);
  return entry !== undefined && storedObject(entry.value).metadata.uid === uid;
}

import { createHmac, timingSafeEqual } from "node:crypto";
import { type Answer, failure, goJson, json, readBody } from "./answer.ts";
import type { Context } from "./context.ts";

/** How long a token holds. */
const lifetimeSeconds = 60;

/** A token for the name that the body holds, signed with HS256. */
export async function generate({ settings, request, nowSeconds }: Context): Promise<Answer> {
  const body = await readBody(request);
  const expires = nowSeconds() + lifetimeSeconds;
  const claims = { name: body.length > 0 ? body.toString() : "anonymous", exp: expires, iss: "podinfo" };
  const signed = [{ alg: "HS256", typ: "JWT" }, claims]
    .map((part) => Buffer.from(goJson(part)).toString("base64url"))
    .join(".");
  return json({
    token: `${signed}.${sign("sha256", signed, settings.jwtSecret).toString("base64url")}`,
    expires_at: rfc3339(expires),
  });
}

/** Whom a token names, and until when; 401 in the body where it does not hold. */
export function validate({ settings, request, nowSeconds }: Context): Answer {
  const [scheme, token, ...more] = (request.headers.authorization ?? "").split(" ");
  if (scheme?.toLowerCase() !== "bearer" || token === undefined || more.length > 0)
    return failure(401, "authorization bearer header required");
  try {
    const claims = verified(token, settings.jwtSecret, nowSeconds());
    if (claims.iss !== "podinfo") return failure(401, "invalid issuer");
    const expires = rfc3339(claims.exp);
    // Go writes no dates after the year 9999.
    return expires.length > "9999-12-31T23:59:59Z".length
      ? { status: 500 }
      : json({ token_name: claims.name, expires_at: expires });
  } catch (error) {
    if (error instanceof InvalidToken) return failure(401, error.message);
    throw error;
  }
}

class InvalidToken extends Error {}

interface Claims {
  readonly name: string;
  readonly iss: string;
  /** In seconds; 0: not said. */
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
}

const hashes: Readonly<Record<string, string>> = { HS256: "sha256", HS384: "sha384", HS512: "sha512" };
/** Methods that podinfo knows, and refuses. */
const otherMethods = /^((RS|PS|ES)(256|384|512)|EdDSA|none)$/;

/** The order of the checks decides which mistake is told: form, method, signature, times. @throws InvalidToken */
function verified(token: string, secret: string, nowSeconds: number): Claims {
  const parts = token.split(".");
  const [head = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3) throw new InvalidToken("token contains an invalid number of segments");
  const header = object(decoded(head), "map[string]interface {}");
  if (payload === "") throw new InvalidToken("EOF");
  const claims = claimsOf(object(decoded(payload), "http.jwtCustomClaims"));
  const method = header["alg"];
  if (typeof method !== "string") throw new InvalidToken("signing method (alg) is unspecified.");
  const hash = hashes[method];
  if (hash === undefined)
    throw new InvalidToken(
      otherMethods.test(method) ? "invalid signing method" : "signing method (alg) is unavailable.",
    );
  const [given, right] = [decoded(signature), sign(hash, `${head}.${payload}`, secret)];
  if (given.length !== right.length || !timingSafeEqual(given, right))
    throw new InvalidToken("signature is invalid");
  if (claims.nbf > nowSeconds) throw new InvalidToken("token is not valid yet");
  if (claims.iat > nowSeconds) throw new InvalidToken("token used before issued");
  if (claims.exp !== 0 && claims.exp <= nowSeconds)
    throw new InvalidToken(`token is expired by ${goDuration(nowSeconds - claims.exp)}`);
  return claims;
}

function sign(hash: string, text: string, secret: string): Buffer {
  return createHmac(hash, secret).update(text).digest();
}

function decoded(segment: string): Buffer {
  const wrong = /[^A-Za-z0-9_-]/.exec(segment);
  // A single character of a group of four stands for no byte.
  const at = wrong ? wrong.index : segment.length % 4 === 1 ? segment.length - 1 : undefined;
  if (at !== undefined) throw new InvalidToken(`illegal base64 data at input byte ${at}`);
  return Buffer.from(segment, "base64url");
}

/** Go reads `null` into any type, and leaves that empty. */
function object(text: Buffer, type: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text.toString());
  } catch {
    throw new InvalidToken(syntaxMistake(text.toString()));
  }
  if (value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) return { ...value };
  throw new InvalidToken(`json: cannot unmarshal ${kind(value)} into Go value of type ${type}`);
}

/** What Go says of a text whose first character begins no value; for the other mistakes it is named as malformed. */
function syntaxMistake(text: string): string {
  const start = text.trimStart()[0];
  if (start === undefined) return "unexpected end of JSON input";
  if (/[{["0-9tfn-]/.test(start)) return "malformed JSON";
  return `invalid character '${start}' looking for beginning of value`;
}

function claimsOf(payload: Readonly<Record<string, unknown>>): Claims {
  const refuse = (name: string, found: string, type: string) => {
    const field = name === "name" ? name : `StandardClaims.${name}`;
    return new InvalidToken(
      `json: cannot unmarshal ${found} into Go struct field jwtCustomClaims.${field} of type ${type}`,
    );
  };
  const text = (name: string): string => {
    const value = payload[name] ?? "";
    if (typeof value !== "string") throw refuse(name, kind(value), "string");
    return value;
  };
  const seconds = (name: string): number => {
    const value = payload[name] ?? 0;
    if (typeof value !== "number") throw refuse(name, kind(value), "int64");
    if (!Number.isSafeInteger(value)) throw refuse(name, `number ${value}`, "int64");
    return value;
  };
  for (const name of ["aud", "jti", "sub"]) text(name);
  return {
    name: text("name"),
    iss: text("iss"),
    exp: seconds("exp"),
    iat: seconds("iat"),
    nbf: seconds("nbf"),
  };
}

function kind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function rfc3339(seconds: number): string {
  const at = new Date(seconds * 1000);
  // JavaScript's dates end in the year 275760.
  return Number.isNaN(at.getTime()) ? "+after the last date" : at.toISOString().replace(".000Z", "Z");
}

/** Whole seconds as Go's Duration writes them: 1m0s, 26h3m5s. */
function goDuration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}

import "reflect-metadata";
import type { webcrypto } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { ProblemError } from "@tracegate/contracts";

/** A certificate and its private key, as PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Pki {
  /** The certificate of our own authority: what clients trust. */
  readonly authority: string;
  readonly server: KeyPair;
  /** A client certificate of a member of `system:masters`. */
  readonly admin: KeyPair;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 365;
/** Leaves are made anew when they have less than this left, or name another host. */
const RENEW_DAYS = 30;

/**
 * Opens the authority in `directory`, making what is missing or runs out: the authority itself, the server's certificate
 * for `hosts`, the administrator's. Keys are readable by this user alone.
 */
export async function openPki(directory: string, hosts: readonly string[], now: number): Promise<Pki> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const authority = await openAuthority(directory, now);
    const server = await openLeaf(directory, "apiserver", authority, now, {
      name: "CN=kube-apiserver",
      usage: ExtendedKeyUsage.serverAuth,
      hosts,
    });
    const admin = await openLeaf(directory, "admin", authority, now, {
      name: "CN=kubernetes-admin, O=system:masters",
      usage: ExtendedKeyUsage.clientAuth,
      hosts: [],
    });
    return { authority: authority.pem.certificate, server, admin };
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) throw error;
    throw new ProblemError(
      {
        code: "apiserver/pki",
        message: `cannot keep certificates: ${error.message}`,
        where: directory,
        expected: "a directory that this user may write",
      },
      { cause: error },
    );
  }
}

interface Authority {
  readonly pem: KeyPair;
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

async function openAuthority(directory: string, now: number): Promise<Authority> {
  let pem = readPair(directory, "ca");
  if (pem === undefined || new X509Certificate(pem.certificate).notAfter.getTime() < now) {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: "CN=tracegate",
      notBefore: new Date(now - DAY_MS),
      notAfter: new Date(now + AUTHORITY_DAYS * DAY_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    pem = await writePair(directory, "ca", certificate, keys.privateKey);
  }
  const key = await crypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(pem.key), ALGORITHM, false, [
    "sign",
  ]);
  return { pem, certificate: new X509Certificate(pem.certificate), key };
}

interface LeafWish {
  readonly name: string;
  readonly usage: ExtendedKeyUsage;
  readonly hosts: readonly string[];
}

async function openLeaf(
  directory: string,
  file: string,
  authority: Authority,
  now: number,
  wish: LeafWish,
): Promise<KeyPair> {
  const found = readPair(directory, file);
  if (found !== undefined && isGood(new X509Certificate(found.certificate), authority, now, wish))
    return found;
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: wish.name,
    issuer: authority.certificate.subject,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + LEAF_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([wish.usage]),
      await AuthorityKeyIdentifierExtension.create(authority.certificate),
      ...(wish.hosts.length === 0
        ? []
        : [new SubjectAlternativeNameExtension(wish.hosts.map(alternativeName))]),
    ],
  });
  return writePair(directory, file, certificate, keys.privateKey);
}

function isGood(
  certificate: X509Certificate,
  authority: Authority,
  now: number,
  { hosts }: LeafWish,
): boolean {
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
  const known = new Set(names.map(({ value }) => value));
  return (
    certificate.issuer === authority.certificate.subject &&
    keyIdOf(certificate) === authority.certificate.getExtension(SubjectKeyIdentifierExtension)?.keyId &&
    certificate.notAfter.getTime() > now + RENEW_DAYS * DAY_MS &&
    hosts.every((host) => known.has(host))
  );
}

const keyIdOf = (certificate: X509Certificate): string | undefined =>
  certificate.getExtension(AuthorityKeyIdentifierExtension)?.keyId;

const isAddress = (host: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(":");

const alternativeName = (host: string) => ({ type: isAddress(host) ? "ip" : "dns", value: host }) as const;

const serialNumber = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString("hex");

function readPair(directory: string, name: string): KeyPair | undefined {
  const [certificate, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  if (!existsSync(certificate) || !existsSync(key)) return undefined;
  return { certificate: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") };
}

async function writePair(
  directory: string,
  name: string,
  certificate: X509Certificate,
  key: webcrypto.CryptoKey,
) {
  const pair = {
    certificate: `${certificate.toString("pem")}\n`,
    key: `${PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`,
  };
  writePrivate(join(directory, `${name}.key`), pair.key);
  writePrivate(join(directory, `${name}.crt`), pair.certificate);
  return pair;
}

/** Writes a file that only this user may read, also where it was there with other rights. */
export function writePrivate(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}

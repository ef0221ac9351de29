import { stringify } from "yaml";
import { type KeyPair, writePrivate } from "./certificates.ts";

export interface KubeconfigEntry {
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly user: { readonly name: string } & (
    | { readonly clientCertificate: KeyPair }
    | { readonly token: string }
  );
  readonly namespace?: string;
}

/** The kubeconfig of one user, as kubectl and every client library read it. */
export function kubeconfig({ server, authority, user, namespace }: KubeconfigEntry): string {
  const credentials =
    "token" in user
      ? { token: user.token }
      : {
          "client-certificate-data": base64(user.clientCertificate.certificate),
          "client-key-data": base64(user.clientCertificate.key),
        };
  const name = "tracegate";
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": base64(authority) } }],
    users: [{ name: user.name, user: credentials }],
    contexts: [
      {
        name,
        context: { cluster: name, user: user.name, ...(namespace === undefined ? {} : { namespace }) },
      },
    ],
    "current-context": name,
  });
}

/** Writes it where only this user may read it. */
export function writeKubeconfig(path: string, entry: KubeconfigEntry): void {
  writePrivate(path, kubeconfig(entry));
}

const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

import type { FlagSpecs } from "../cobra/command.ts";

const accepted = "accepted for scripts, and without effect";

/** The flags that every command takes: which server, as whom, which namespace. */
export const globals = {
  as: { type: "string", help: "act as this user" },
  "as-group": { type: "stringArray", help: "act as a member of this group; may be given several times" },
  "as-uid": { type: "string", help: "act as the user of this UID" },
  "cache-dir": { type: "string", help: `${accepted}: nothing is cached` },
  "certificate-authority": {
    type: "string",
    help: "file of the certificate that the server's is checked against",
  },
  "client-certificate": { type: "string", help: "file of the certificate to show to the server" },
  "client-key": { type: "string", help: "file of that certificate's key" },
  cluster: { type: "string", help: "the kubeconfig's cluster, in place of the context's" },
  context: { type: "string", help: "the kubeconfig's context" },
  "disable-compression": { type: "bool", help: `${accepted}: answers are not compressed` },
  "insecure-skip-tls-verify": { type: "bool", help: "do not check the server's certificate" },
  kloglevel: { type: "number", short: "v", help: `${accepted}: there is no such log` },
  kubeconfig: { type: "string", help: "the kubeconfig file" },
  loglevel: { type: "string", default: "info", help: `${accepted}: there is no such log` },
  namespace: {
    type: "string",
    short: "n",
    help: "the namespace (of the kubeconfig's context, if not given)",
  },
  "request-timeout": {
    type: "string",
    default: "0",
    help: "how long one request may take, such as 1s, 2m (0: as long as it takes)",
  },
  server: { type: "string", short: "s", help: "address of the Kubernetes API" },
  "tls-server-name": { type: "string", help: "the name that the server's certificate is checked for" },
  token: { type: "string", help: "bearer token to show to the server" },
  user: { type: "string", help: "the kubeconfig's user, in place of the context's" },
} as const satisfies FlagSpecs;

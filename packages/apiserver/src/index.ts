export type { TokenUser } from "./auth/authentication.ts";
export type { KeyPair, Pki } from "./auth/certificates.ts";
export { openPki } from "./auth/certificates.ts";
export type { KubeconfigEntry } from "./auth/kubeconfig.ts";
export { kubeconfig, writeKubeconfig } from "./auth/kubeconfig.ts";
export type { User } from "./auth/user.ts";
export type { Api, ApiOptions } from "./core/api.ts";
export { createApi } from "./core/api.ts";
export type { ServedKind } from "./core/served-kinds.ts";
export { embeddedClient } from "./embedded-client.ts";
export type { ApiServer, ApiServerOptions } from "./http/api-server.ts";
export { apiServerHosts, startApiServer } from "./http/api-server.ts";
export type {
  PodAccess,
  PodAttachRequest,
  PodExecRequest,
  PodLogRequest,
  PodProcess,
  TerminalSize,
} from "./pods/pod-access.ts";

export type { TokenUser } from "./auth/authentication.ts";
export type { User } from "./auth/user.ts";
export type { Api, ApiOptions } from "./core/api.ts";
export { createApi } from "./core/api.ts";
export type { ServedKind } from "./core/served-kinds.ts";
export { embeddedClient } from "./embedded-client.ts";
export type { ApiServer, ApiServerOptions } from "./http/api-server.ts";
export { startApiServer } from "./http/api-server.ts";

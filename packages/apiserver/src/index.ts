export type { Api, ApiOptions } from "./core/api.ts";
export { createApi } from "./core/api.ts";
export type { ServedKind } from "./core/served-kinds.ts";
export { embeddedClient } from "./embedded-client.ts";

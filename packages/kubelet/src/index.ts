export { dialThroughAgent } from "./dial.ts";
export type { NamespacedSandboxOptions } from "./namespaced/namespaced-sandbox.ts";
export { openNamespacedSandbox } from "./namespaced/namespaced-sandbox.ts";
export type * from "./sandbox.ts";

export type { MemoryClient } from "./memory-client.ts";
export { memoryClient } from "./memory-client.ts";

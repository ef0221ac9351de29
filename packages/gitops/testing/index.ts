export { type MemoryGit, type MemoryRepository, memoryGit } from "./memory-git.ts";

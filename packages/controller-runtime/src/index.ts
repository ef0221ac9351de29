export type { Controller, Requeue, WatchSource } from "./controller.ts";
export { controllerOf } from "./controller.ts";

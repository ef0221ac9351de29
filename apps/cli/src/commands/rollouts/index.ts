export { get } from "./get.ts";
export { list } from "./list.ts";
export { status } from "./status.ts";
export { abort, promote, retry } from "./steer.ts";

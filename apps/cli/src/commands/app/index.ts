export { get } from "./get.ts";
export { list } from "./list.ts";
export { sync } from "./sync.ts";

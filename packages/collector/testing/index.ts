export { ManualClock, settle } from "./manual-clock.ts";
export { keptContext, keptSurroundings } from "./surroundings.ts";

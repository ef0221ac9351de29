export { HttpTarget } from "./http-target.ts";
export { ManualClock } from "./manual-clock.ts";
export { RecordingAppender } from "./recording-appender.ts";

export type { RecordedRequest } from "./recordings.ts";
export { recordedRequest, recordedRequests } from "./recordings.ts";

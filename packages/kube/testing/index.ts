export { encodeProtobufBody } from "./encode-protobuf.ts";
export type { RecordedRequest } from "./recordings.ts";
export { recordedRequest, recordedRequests } from "./recordings.ts";

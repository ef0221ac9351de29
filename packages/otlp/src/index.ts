export { attribute, attributeText, plainValue, stringAttribute, valueText } from "./attributes.ts";
export type { GrpcClientOptions, OtlpClient } from "./grpc-client.ts";
export { grpcClient } from "./grpc-client.ts";
export type { OtlpGrpcListener, OtlpGrpcOptions } from "./grpc-listener.ts";
export { listenGrpc } from "./grpc-listener.ts";
export type { HttpClientOptions } from "./http-client.ts";
export { httpClient } from "./http-client.ts";
export type { Accept, Consumers, OtlpHttpOptions } from "./http-listener.ts";
export { DEFAULT_MAX_BODY_BYTES, DEFAULT_PATHS, otlpHttpHandler } from "./http-listener.ts";
export { decodeJson, encodeJson, fromJsonValue, JsonError, messageToJson, toJsonValue } from "./json.ts";
export * as messages from "./messages.ts";
export type * from "./model.ts";
export {
  FLAG_NO_RECORDED_VALUE,
  SPAN_KINDS,
  STATUS_CODES,
  TEMPORALITY_CUMULATIVE,
  TEMPORALITY_DELTA,
} from "./model.ts";
export { Payload } from "./payload.ts";
export { WireError } from "./proto-reader.ts";
export { decodeMessage, decodeProto, encodeMessage, encodeProto } from "./protobuf.ts";
export type { ScopeView, SpanView, SpanVisitor } from "./span-walker.ts";
export { SpanWalker } from "./span-walker.ts";
export type { CodeName, PartialSuccess } from "./status.ts";
export { CODE_NAMES, PermanentError, StatusError } from "./status.ts";
export { checkProto } from "./wire-check.ts";

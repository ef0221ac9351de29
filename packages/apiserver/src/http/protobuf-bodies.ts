import {
  builtInType,
  decodeProtobuf,
  type ExpectedKind,
  type JsonObject,
  openProtobufBody,
  ProtobufError,
  unrecognized,
} from "@tracegate/kube";

/** The object of a protobuf body, as Go's typed clients send it for built-in kinds. */
export function readProtobuf(bytes: Uint8Array, expected: ExpectedKind): JsonObject {
  try {
    const body = openProtobufBody(bytes);
    const apiVersion = expected.group === "" ? expected.version : `${expected.group}/${expected.version}`;
    const type = builtInType(body.apiVersion || apiVersion, body.kind || expected.kind);
    if (type === undefined) {
      throw new ProtobufError(`no kind "${body.kind}" is registered for version "${body.apiVersion}"`);
    }
    return decodeProtobuf(type, body);
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    throw unrecognized(expected, error.message, Buffer.from(bytes).toString("latin1"));
  }
}

import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

/** gRPC status codes, as Go prints them, indexed by number. */
export const CODE_NAMES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;

export type CodeName = (typeof CODE_NAMES)[number];

export function codeNumber(name: CodeName): number {
  return CODE_NAMES.indexOf(name);
}

/** A failure with a gRPC status, which is what OTLP's both transports speak. `retryAfterMs` travels with it. */
export class StatusError extends Error {
  readonly code: CodeName;
  readonly description: string;
  readonly retryAfterMs: number | undefined;
  constructor(code: CodeName, description: string, retryAfterMs?: number) {
    super(`rpc error: code = ${code} desc = ${description}`);
    this.name = "StatusError";
    this.code = code;
    this.description = description;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A failure that sending again cannot mend. */
export class PermanentError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PermanentError";
  }
}

/** What a receiver answers when its pipeline failed: the status it carries, else Internal for what is permanent, else Unavailable. */
export function statusOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError(error instanceof PermanentError ? "Internal" : "Unavailable", message);
}

const HTTP_OF: Partial<Record<CodeName, number>> = {
  Canceled: 503,
  DeadlineExceeded: 503,
  Aborted: 503,
  OutOfRange: 503,
  Unavailable: 503,
  DataLoss: 503,
  ResourceExhausted: 429,
  InvalidArgument: 400,
  Unauthenticated: 401,
  PermissionDenied: 403,
  Unimplemented: 404,
};

export function httpStatusOf(code: CodeName): number {
  return HTTP_OF[code] ?? 500;
}

/** `google.rpc.Status` as protobuf. */
export function encodeStatus(code: CodeName, message: string): Buffer {
  const writer = new ProtoWriter(message.length + 16);
  writer.varint(1, codeNumber(code));
  if (message !== "") writer.text(2, message);
  return writer.finish();
}

/** The message of a `google.rpc.Status`, or undefined when the bytes are none. */
export function decodeStatusMessage(bytes: Uint8Array): string | undefined {
  try {
    const reader = new ProtoReader(bytes);
    let message: string | undefined;
    while (reader.more()) {
      const tag = reader.tag();
      if (tag === ((2 << 3) | 2)) message = reader.text();
      else reader.skip(tag & 7);
    }
    return message;
  } catch {
    return undefined;
  }
}

/** What a server took of a request: OTLP's partial success. Undefined when it took everything without a word. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

/** Reads an Export…ServiceResponse. */
export function decodePartialSuccess(bytes: Uint8Array): PartialSuccess | undefined {
  const reader = new ProtoReader(bytes);
  let partial: PartialSuccess | undefined;
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | 2)) partial = reader.nested(readPartial);
    else reader.skip(tag & 7);
  }
  return partial;
}

function readPartial(reader: ProtoReader): PartialSuccess | undefined {
  let rejected = 0;
  let message = "";
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === 1 << 3) rejected = Number(reader.int64());
    else if (tag === ((2 << 3) | 2)) message = reader.text();
    else reader.skip(tag & 7);
  }
  return rejected === 0 && message === "" ? undefined : { rejected, message };
}

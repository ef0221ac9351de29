import { availableParallelism } from "node:os";
import type { handleUnaryCall, MethodDefinition, Server, ServerWritableStream } from "@grpc/grpc-js";
import type { Log } from "./log.ts";
import { revision } from "./release.ts";
import type { Settings } from "./settings.ts";
import { decode, encode, textOf, type Value } from "./wire.ts";

export interface GrpcOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly hostname: string;
  readonly env: NodeJS.ProcessEnv;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: Log;
  readonly exit: (code: number) => void;
}

type Fields = ReadonlyMap<number, Buffer | bigint>;
type Call = (
  request: Fields,
  metadata: Readonly<Record<string, unknown>>,
) => Promise<Readonly<Record<number, Value>>> | Readonly<Record<number, Value>>;

/** A failure with one of gRPC's codes. */
class Failure extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** grpc.health.v1: SERVING and SERVICE_UNKNOWN. */
const [serving, unknownService] = [1, 3];
const notFound = 5;

/** podinfo's services, by the path of each method. A method's fields are numbered as in podinfo's .proto files. */
function services({
  settings,
  version,
  hostname,
  env,
  sleep,
  log,
  exit,
}: GrpcOptions): Readonly<Record<string, Call>> {
  return {
    "/grpc.health.v1.Health/Check": (request) => {
      const status = healthOf(settings, request);
      if (status === unknownService) throw new Failure(notFound, "unknown service");
      return { 1: status };
    },
    "/info.InfoService/Info": () => ({
      1: hostname,
      2: version,
      3: revision,
      4: settings.ui.color,
      5: settings.ui.logo,
      6: settings.ui.message,
      7: process.platform,
      8: process.arch === "x64" ? "amd64" : process.arch,
      9: `node${process.versions.node}`,
      10: "1",
      11: String(availableParallelism()),
    }),
    "/version.VersionService/Version": () => ({ 1: version, 2: revision }),
    "/env.EnvService/Env": () => ({ 1: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
    "/header.HeaderService/Header": (_, metadata) => ({
      1: Object.entries(metadata).map(([name, value]) => `${name}=${value}`),
    }),
    "/echo.EchoService/Echo": (request) => ({ 1: textOf(request.get(1)) }),
    "/delay.DelayService/Delay": async (request) => {
      const seconds = request.get(1);
      if (typeof seconds !== "bigint") return {};
      await sleep(Math.max(0, Number(seconds) * 1000));
      return { 1: seconds };
    },
    "/status.StatusService/Status": (request) => {
      const name = textOf(request.get(1));
      const code = codes.indexOf(name);
      if (code < 0) throw new Failure(codes.indexOf("Unknown"), "Unknown status code");
      if (code > 0) throw new Failure(code, "");
      return { 1: name };
    },
    "/panic.PanicService/Panic": () => {
      log("info", "grpc/panic", "Panic command received");
      // Over gRPC it is 225, not the 255 of HTTP.
      exit(225);
      return {};
    },
  };
}

/** gRPC's codes in their order, from 0, by Go's names. */
const codes = [
  ...["Ok", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists"],
  ...[
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
  ],
  ...["Internal", "Unavailable", "DataLoss", "Unauthenticated"],
];

/** The server of podinfo's services, not yet bound. Tokens and reflection are not among them. */
export async function createGrpcServer(options: GrpcOptions): Promise<Server> {
  // Loaded here: most pods serve no gRPC.
  const grpc = await import("@grpc/grpc-js");
  const server = new grpc.Server();
  for (const [path, call] of Object.entries(services(options))) {
    const method: handleUnaryCall<Fields, Readonly<Record<number, Value>>> = async (request, callback) => {
      try {
        callback(null, await call(request.request, request.metadata.getMap()));
      } catch (error) {
        if (error instanceof Failure) callback({ code: error.code, details: error.message });
        else callback({ code: grpc.status.INTERNAL, details: String(error) });
      }
    };
    server.addService({ call: definition(path, false) }, { call: method });
  }
  // The state does not change: podinfo's gRPC says SERVING until it ends.
  const watch = (stream: ServerWritableStream<Fields, Readonly<Record<number, Value>>>) => {
    stream.write({ 1: healthOf(options.settings, stream.request) });
  };
  server.addService({ watch: definition("/grpc.health.v1.Health/Watch", true) }, { watch });
  return server;
}

function healthOf(settings: Settings, request: Fields): number {
  const service = textOf(request.get(1));
  return service === "" || service === settings.grpcServiceName ? serving : unknownService;
}

export function definition(
  path: string,
  responseStream: boolean,
): MethodDefinition<Fields, Readonly<Record<number, Value>>> {
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: (fields) => encode(Object.fromEntries(fields)),
    requestDeserialize: decode,
    responseSerialize: encode,
    // Only clients read answers; a field comes back as it was written.
    responseDeserialize: (bytes) => Object.fromEntries(decode(bytes)),
  };
}

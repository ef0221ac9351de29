import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { dirname } from "node:path";
import type { Payload } from "@tracegate/otlp";
import { encodeJson } from "@tracegate/otlp";
import type { Component, Consumer, ExporterFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { bool, duration, struct, text, unsupported } from "../config/fields.ts";

const fileConfig = struct({
  path: text(""),
  format: text("json"),
  append: bool(false),
  create_directory: bool(false),
  /** Accepted: every payload is handed to the system as it comes, which is sooner than asked. */
  flush_interval: duration(1000),
  compression: unsupported,
  rotation: unsupported,
  group_by: unsupported,
  encoding: unsupported,
});

type FileConfig = Config<typeof fileConfig>;

/** Writes each payload to a file: a line of JSON, or a length and protobuf. */
export const fileExporter: ExporterFactory<FileConfig> = {
  type: "file",
  config: fileConfig,
  signals: ["traces", "metrics", "logs"],
  validate({ path, format }) {
    if (path === "") return ["path must be non-empty"];
    return format === "json" || format === "proto" ? [] : ["format type is not supported"];
  },
  create: (config) => new FileExporter(config),
};

class FileExporter implements Component, Consumer {
  readonly #config: FileConfig;
  #stream: WriteStream | undefined;

  constructor(config: FileConfig) {
    this.#config = config;
  }

  async start(): Promise<void> {
    const { path, append, create_directory: makeDirectory } = this.#config;
    if (makeDirectory) mkdirSync(dirname(path), { recursive: true });
    const stream = createWriteStream(path, { flags: append ? "a" : "w" });
    await new Promise<void>((resolve, reject) => {
      stream.once("open", () => resolve());
      stream.once("error", reject);
    });
    this.#stream = stream;
  }

  async shutdown(): Promise<void> {
    const stream = this.#stream;
    if (stream !== undefined) await new Promise<void>((resolve) => stream.end(() => resolve()));
  }

  consume(payload: Payload): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return Promise.reject(new Error("exporter is not started"));
    const chunk =
      this.#config.format === "json" ? `${encodeJson(payload.signal, payload.model())}\n` : framed(payload);
    return new Promise((resolve, reject) => {
      stream.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }
}

/** A 4-byte big-endian length, then the message. */
function framed(payload: Payload): Buffer {
  const bytes = payload.bytes();
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

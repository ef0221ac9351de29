import { createServer, type Server } from "node:http";
import { duplexPair } from "node:stream";
import type { Dial } from "../src/index.ts";

/** What a target answers next. */
export interface TargetAnswer {
  status?: number;
  contentType?: string;
  body: string;
}

/** An HTTP server without a socket: `dial` connects to it through a pair of streams. */
export class HttpTarget {
  answer: TargetAnswer = { body: "" };
  connections = 0;
  requests = 0;
  lastHeaders: NodeJS.Dict<string | string[]> = {};
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.requests++;
      this.lastHeaders = request.headers;
      const { status = 200, contentType = "text/plain; version=0.0.4; charset=utf-8", body } = this.answer;
      response.writeHead(status, { "Content-Type": contentType });
      response.end(body);
    });
  }

  readonly dial: Dial = async () => {
    this.connections++;
    const [client, server] = duplexPair();
    this.#server.emit("connection", server);
    return client;
  };
}

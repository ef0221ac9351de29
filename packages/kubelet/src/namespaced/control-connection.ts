import type { Duplex } from "node:stream";
import { readJsonLines, writeJsonLine } from "../agent/json-lines.ts";
import {
  type AgentEvent,
  type AgentMethods,
  agentProtocolVersion,
  type Response,
  type SandboxKind,
} from "../agent/protocol.ts";
import { openAgentStream } from "../dial.ts";

/** Calls over the agent's control connection. All open calls reject when it closes. */
export class ControlConnection {
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  readonly #calls = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #nextId = 0;
  #isClosed = false;

  private constructor(stream: Duplex, onEvent: (event: AgentEvent) => void) {
    this.#stream = stream;
    this.closed = new Promise((resolve) => {
      stream.once("close", () => {
        this.#isClosed = true;
        for (const { reject } of this.#calls.values()) reject(new Error("the node agent is gone"));
        this.#calls.clear();
        resolve();
      });
    });
    stream.on("error", () => {});
    stream.once("end", () => stream.destroy());
    readJsonLines(stream, (value) => {
      // The agent's own message: the first line made sure that it speaks this version.
      const message = value as AgentEvent | Response;
      if ("event" in message) return onEvent(message);
      const call = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      if ("error" in message) call?.reject(new Error(message.error));
      else call?.resolve(message.result);
    });
  }

  static async open(
    socketPath: string,
    sandbox: SandboxKind,
    graceMs: number,
    onEvent: (event: AgentEvent) => void,
  ): Promise<ControlConnection> {
    const stream = await openAgentStream(socketPath, {
      op: "control",
      version: agentProtocolVersion,
      ...{ sandbox, graceMs },
    });
    return new ControlConnection(stream, onEvent);
  }

  call<M extends keyof AgentMethods>(
    method: M,
    params: Parameters<AgentMethods[M]>[0],
  ): Promise<ReturnType<AgentMethods[M]>> {
    if (this.#isClosed) return Promise.reject(new Error("the node agent is gone"));
    this.#nextId += 1;
    const id = this.#nextId;
    return new Promise((resolve, reject) => {
      // The agent answers each method with its own type; JSON carries no more than the name.
      this.#calls.set(id, { resolve: resolve as (value: unknown) => void, reject });
      writeJsonLine(this.#stream, { id, method, params });
    });
  }

  close(): void {
    this.#stream.destroy();
  }
}

import { Worker } from "node:worker_threads";
import { ProblemError } from "@tracegate/contracts";
import { portTaken } from "../port-holder.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** A thread that serves. */
export interface RunningWorker {
  readonly port: number;
  send(message: ToWorker): void;
  /** Lets it write what it holds, and end. */
  stop(): Promise<void>;
}

/**
 * Starts a worker and resolves once it listens.
 * @throws ProblemError where its port is taken or its files cannot be used.
 */
export function startWorker<D extends { readonly port: number }>(options: {
  name: string;
  file: URL;
  data: D;
  /** Told when the thread ends without having been asked to: nothing is served from then on. */
  lost(error: Error): void;
}): Promise<RunningWorker> {
  const { name, file, data, lost } = options;
  const worker = new Worker(file, { workerData: data, name });
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  return new Promise((resolve, reject) => {
    let serving = false;
    let stopping = false;
    worker.on("error", (error) => (serving ? lost(error) : reject(error)));
    worker.on("exit", (code) => {
      if (serving && !stopping) lost(new Error(`the ${name} worker ended with ${code}`));
    });
    worker.on("message", (message: FromWorker) => {
      if (message.type === "failed") {
        reject(
          message.code === "EADDRINUSE"
            ? portTaken("127.0.0.1", data.port, name)
            : new ProblemError({
                code: "platform/worker",
                message: `${name} cannot start: ${message.message}`,
              }),
        );
        return;
      }
      serving = true;
      resolve({
        port: message.port,
        send: (toWorker) => worker.postMessage(toWorker),
        async stop() {
          stopping = true;
          worker.postMessage({ type: "stop" } satisfies ToWorker);
          await ended;
        },
      });
    });
  });
}

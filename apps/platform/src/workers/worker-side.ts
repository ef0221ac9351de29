import { parentPort, workerData } from "node:worker_threads";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** What a worker is once it serves. */
export interface Serving {
  readonly port: number;
  receive(message: ToWorker): void;
  stop(): Promise<void>;
}

/** The worker's end of `startWorker`: starts, says where it listens or why it cannot, takes messages, stops when told. */
export async function runWorker<D>(start: (data: D) => Promise<Serving>): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("this file runs as a worker thread of the platform");
  const say = (message: FromWorker) => port.postMessage(message);
  try {
    // `startWorker` passes exactly the data that this worker's type names.
    const serving = await start(workerData as D);
    port.on("message", (message: ToWorker) => {
      if (message.type !== "stop") return serving.receive(message);
      void serving.stop().finally(() => process.exit(0));
    });
    say({ type: "listening", port: serving.port });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException; // system errors carry a code
    say({ type: "failed", message, ...(code === undefined ? {} : { code }) });
    port.close();
  }
}

import { readFileSync } from "node:fs";
import type { Clock } from "@tracegate/contracts";
import type { Pod } from "@tracegate/kube";
import { logFile } from "../pod/process-spec.ts";
import { type LogOptions, lineFormatter, readLogFile } from "./log-file.ts";

/** Reads containers' logs from the state directory. */
export interface LogReader {
  /** The end of a log at once, for messages. */
  tailText(
    pod: Pick<Pod, "metadata">,
    container: string,
    attempt: number,
    limit: { lines: number; bytes: number },
  ): string;
  read(
    pod: Pick<Pod, "metadata">,
    container: string,
    attempt: number,
    options: LogOptions & { ended: () => boolean; signal?: AbortSignal },
  ): AsyncGenerator<Buffer>;
}

export function logReader(options: { stateDir: string; clock: Clock }): LogReader {
  const { stateDir, clock } = options;
  return {
    tailText(pod, container, attempt, { lines, bytes }) {
      let raw: Buffer;
      try {
        raw = readFileSync(logFile(stateDir, pod, container, attempt));
      } catch {
        return "";
      }
      const text = lineFormatter("", false)(raw).toString("utf8");
      return text
        .split("\n")
        .slice(-lines - 1)
        .join("\n")
        .slice(-bytes);
    },
    read(pod, container, attempt, { ended, signal, ...rest }) {
      return readLogFile(logFile(stateDir, pod, container, attempt), rest, {
        clock,
        ended,
        ...(signal === undefined ? {} : { signal }),
      });
    },
  };
}

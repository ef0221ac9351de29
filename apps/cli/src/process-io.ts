import type { Io } from "./command.ts";

/** A terminal's Ctrl-C reaches this process and, through npm and the starter, reaches it again: that counts as one. */
const oneStrokeMs = 1000;

/** Arguments, terminal and signals of this process; they come in here and nowhere else. To be called once. */
export function processIo(): Io {
  const stopping = new AbortController();
  let stoppedAt = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (!stopping.signal.aborted) {
        stoppedAt = performance.now();
        stopping.abort(new Error(signal));
      } else if (performance.now() - stoppedAt > oneStrokeMs) {
        // A second one does not wait for an orderly end.
        process.exit(130);
      }
    });
  }
  // A reader such as `head` may go away; that is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const drawable = process.stdout.isTTY === true && TERM !== "dumb";
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    cwd: workingDirectory(),
    terminal: drawable
      ? {
          get columns() {
            return process.stdout.columns || 80;
          },
          get rows() {
            return process.stdout.rows || 24;
          },
        }
      : undefined,
    colour: (NO_COLOR ?? "") === "" && (drawable || (FORCE_COLOR ?? "") !== ""),
    signal: stopping.signal,
  };
}

/** The shell may stand in a directory that is not there any more, such as that of a repository made anew. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    process.stderr.write("The directory of this shell is not there any more. Go to another one first: cd\n");
    process.exit(2);
  }
}

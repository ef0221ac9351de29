import type { Io } from "../src/command.ts";

/** Where a command writes when nobody looks: no terminal, no colours. What it wrote is kept. */
export interface CapturedIo extends Io {
  readonly written: { out: string; err: string };
}

export function capturedIo(signal: AbortSignal = new AbortController().signal): CapturedIo {
  const written = { out: "", err: "" };
  return {
    written,
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    env: {},
    cwd: "/",
    terminal: undefined,
    colour: false,
    signal,
  };
}

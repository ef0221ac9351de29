import { ProblemError } from "@tracegate/contracts";

/** Primary result codes of SQLite; extended codes carry them in the low byte. */
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const FULL = 13;
const CANTOPEN = 14;
const CORRUPT = 11;
const NOTADB = 26;

/** The file belongs to another program, or to another layout of this one. */
export class ForeignFileError extends Error {
  constructor(expected: number, found: number) {
    super(`not a store of layout ${expected} (found ${found})`);
    this.name = "ForeignFileError";
  }
}

/** Why the file could not be opened, in the user's words. */
export function openProblem(path: string, error: unknown): ProblemError {
  if (error instanceof ForeignFileError) return foreign(path, error);
  switch (resultCode(error)) {
    case BUSY:
      return problem(path, "store/locked", "the state is in use by another process", {
        advice: "Stop the other process, or give this one a state directory of its own",
        cause: error,
      });
    case NOTADB:
      return foreign(path, error);
    default:
      return writeProblem(path, error);
  }
}

/** Why a change could not be written. Nothing of the change is kept. */
export function writeProblem(path: string, error: unknown): ProblemError {
  switch (resultCode(error)) {
    case FULL:
      return problem(path, "store/disk-full", "the disk is full, so the change was not stored", {
        advice: "Free some space; the store goes on by itself then",
        cause: error,
      });
    case READONLY:
    case CANTOPEN:
      return problem(path, "store/unwritable", "the state file cannot be opened for writing", {
        expected: "a directory and file that this user may write",
        cause: error,
      });
    case CORRUPT:
      return problem(path, "store/damaged", "the state file is damaged", {
        advice: "Restore a copy, or move the file away to start afresh",
        cause: error,
      });
    case IOERR:
      return problem(path, "store/io", "the disk reported an error", { cause: error });
    default: {
      const text = error instanceof Error ? error.message : String(error);
      return problem(path, "store/failed", `the state file could not be used: ${text}`, { cause: error });
    }
  }
}

function foreign(path: string, cause: unknown): ProblemError {
  return problem(path, "store/foreign-file", "the file is not a Tracegate store of this version", {
    advice: "Choose another state directory, or move the file away",
    cause,
  });
}

function problem(
  where: string,
  code: string,
  message: string,
  { cause, ...more }: { expected?: string; advice?: string; cause: unknown },
): ProblemError {
  return new ProblemError({ code, message, where, ...more }, { cause });
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number")
    return undefined;
  return error.errcode & 0xff;
}

import type { Clock } from "@tracegate/contracts";
import { GeneratorError, type Params } from "../applicationset/params.ts";
import type { CommandGit } from "../git/command-git.ts";
import { SourceError } from "../git/repositories.ts";
import type { RenderedManifest } from "../render/directory.ts";
import { checkSource } from "../render/render.ts";
import { turn } from "../turns.ts";
import type { SourceType } from "../types/application.ts";
import type { ReadingAnswer, ReadingFailure, ReadingRequest } from "./messages.ts";
import { ProcessEnded, processPool } from "./process-pool.ts";
import type { SourceReader } from "./source-reader.ts";

export interface ReadApartOptions {
  readonly git: CommandGit;
  readonly clock: Clock;
  /** For reading one source of a commit that is fetched; 60 s, as upstream's controller gives its repository server. */
  readonly timeLimitMs?: number;
  /** Of the values that reading makes (512 MB). */
  readonly heapMb?: number;
  /** Two: what one source holds up leaves the other to the rest. */
  readonly processes?: number;
  /** A process without work is ended after it (20 s). */
  readonly idleMs?: number;
}

/** Sources read in processes of their own. */
export interface ApartReader extends SourceReader {
  /** Processes that run now: none until a source is read, and none a while after. */
  readonly pids: readonly number[];
  close(): Promise<void>;
}

/**
 * Reads sources where a large or hostile one holds up nobody but its own Application. What goes beyond the limits is cut
 * off, its process ended, and the next source read by a new one. Processes, not threads: V8 ends the whole process when one
 * thread asks for a large piece of memory that it may not have.
 */
export function readApart(options: ReadApartOptions): ApartReader {
  const { git, clock, timeLimitMs = 60_000, heapMb = 512, processes = 2, idleMs = 20_000 } = options;
  const pool = processPool<ReadingRequest, ReadingAnswer>(
    { file: new URL("./reading-process.ts", import.meta.url), clock, timeLimitMs, heapMb, processes, idleMs },
    (answer) => (answer.what === "part" ? "more" : answer.retired === true ? "retired" : "last"),
  );

  /** All values that are told, and the source's type where it has one. */
  async function read<T>(request: ReadingRequest): Promise<{ values: T[]; sourceType?: SourceType }> {
    const answers = await pool.run(request).catch((error: unknown) => {
      throw error instanceof ProcessEnded ? beyondLimits(error, timeLimitMs, heapMb) : error;
    });
    const values: T[] = [];
    for (const answer of answers) {
      if (answer.what === "failure") throw failureOf(answer);
      if (answer.what === "end")
        return { values, ...(answer.sourceType !== undefined && { sourceType: answer.sourceType }) };
      for (const value of JSON.parse(answer.text) as T[]) values.push(value); // as the process wrote them
      await turn();
    }
    throw new Error("a reading process answered without an end");
  }

  return {
    get pids() {
      return pool.pids;
    },
    close: () => pool.close(),
    async manifests(source, commit, application) {
      checkSource(source);
      return await git.fetched(source.repoURL, commit, async (place) => {
        const request = { what: "manifests", ...place, source, application } as const;
        const { values, sourceType = "Directory" } = await read<RenderedManifest>(request);
        return { sourceType, manifests: values };
      });
    },
    async parameters(generator, spec, commit) {
      return await git.fetched(generator.repoURL, commit, async (place) => {
        const { values } = await read<Params>({ what: "parameters", ...place, generator, spec });
        return values;
      });
    },
  };
}

function beyondLimits({ reason, message }: ProcessEnded, timeLimitMs: number, heapMb: number): SourceError {
  // Not tried again at every poll: only for another commit, another source, or a hard refresh.
  const advice = "split the source, or make it simpler; a hard refresh tries it again";
  switch (reason) {
    case "time": {
      const text = `rendering was ended after ${timeLimitMs / 1000} s: ${advice}`;
      return new SourceError(text, "DeadlineExceeded", { lasting: true });
    }
    case "memory": {
      const text = `rendering was ended at ${heapMb} MB of memory: ${advice}`;
      return new SourceError(text, "ResourceExhausted", { lasting: true });
    }
    case "killed": {
      const text = `rendering was ${message}, which may have no memory left`;
      return new SourceError(text, "ResourceExhausted");
    }
    case "closed":
      return new SourceError(`rendering was ended: ${message}`, "Canceled", { unreachable: true });
    default:
      return new SourceError(`rendering failed: ${message}`, "Internal");
  }
}

function failureOf({
  name,
  message,
  code,
  unreachable = false,
  lasting = false,
  damaged = false,
}: ReadingFailure): Error {
  if (name === "GeneratorError") return new GeneratorError(message);
  if (name === "SourceError") return new SourceError(message, code, { unreachable, lasting, damaged });
  return new SourceError(`rendering failed: ${message}`, "Internal");
}

import { GeneratorError, type Params } from "../applicationset/params.ts";
import { SourceError } from "../git/repositories.ts";
import type { SourceReader } from "./source-reader.ts";

/**
 * Remembers the parameter sets of the generators asked last, and why one gave none: an ApplicationSet asks at every poll,
 * and a commit never changes.
 */
export function keepParameters(sources: SourceReader, generators = 32): SourceReader {
  const kept = new Map<string, Promise<readonly Params[]>>();
  return {
    ...sources,
    parameters(generator, spec, commit) {
      // Of the set, only its template language counts.
      const { goTemplate, goTemplateOptions } = spec;
      const key = JSON.stringify([commit, generator, goTemplate, goTemplateOptions]);
      const reading = kept.get(key) ?? sources.parameters(generator, spec, commit);
      kept.delete(key); // moves it to the young end
      kept.set(key, reading);
      reading.catch((error: unknown) => {
        if (!isLasting(error) && kept.get(key) === reading) kept.delete(key);
      });
      for (const oldest of kept.keys()) {
        if (kept.size <= generators) break;
        kept.delete(oldest);
      }
      return reading;
    },
  };
}

const isLasting = (error: unknown): boolean =>
  error instanceof GeneratorError || (error instanceof SourceError && error.lasting);

import { parametersOf } from "../applicationset/git-parameters.ts";
import type { Params } from "../applicationset/params.ts";
import type { GitRepositories } from "../git/repositories.ts";
import { type Rendered, renderSource } from "../render/render.ts";
import type { ApplicationSource } from "../types/application.ts";
import type { ApplicationSetSpec, GitGenerator } from "../types/application-set.ts";

/**
 * What the controllers ask of a commit's files. Reading them is pure and may take seconds of a processor; where that
 * happens is this seam's: here (`readHere`), or in processes of their own (`readApart`).
 */
export interface SourceReader {
  /** The objects of an Application's source. Rejects with a `SourceError`. */
  manifests(source: ApplicationSource, commit: string, application?: string): Promise<Rendered>;
  /** The parameter sets of a `git` generator. Rejects with a `SourceError` or a `GeneratorError`. */
  parameters(generator: GitGenerator, spec: ApplicationSetSpec, commit: string): Promise<readonly Params[]>;
}

/** Reads where it is called: for command lines, tests, and runs on virtual time. */
export function readHere(git: GitRepositories): SourceReader {
  return {
    manifests: (source, commit, application) => renderSource(git, source, commit, application),
    parameters: async (generator, spec, commit) =>
      parametersOf(generator, spec, await git.tree(generator.repoURL, commit)),
  };
}

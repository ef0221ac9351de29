import { type GitRepositories, SourceError } from "../git/repositories.ts";
import type { SourceReader } from "../reading/source-reader.ts";
import type { ApplicationSetSpec, GitGenerator } from "../types/application-set.ts";
import { GeneratorError, type Params } from "./params.ts";

/** Parameters from the directories or files of a repository. Rejects with a `GeneratorError`. */
export async function fromGit(
  generator: GitGenerator,
  spec: ApplicationSetSpec,
  git: GitRepositories,
  sources: SourceReader,
): Promise<readonly Params[]> {
  const failed = (what: string, message: string) =>
    new GeneratorError(`error generating params from git: ${what}${message}`);
  if (generator.directories === undefined && generator.files === undefined)
    throw failed("", "found neither directories nor files in a git generator");
  try {
    const { repoURL, revision = "HEAD" } = generator;
    return await sources.parameters(generator, spec, await git.resolve(repoURL, revision));
  } catch (error) {
    if (error instanceof GeneratorError) throw failed("", error.message);
    if (!(error instanceof SourceError)) throw error;
    const what =
      generator.directories === undefined
        ? "error retrieving Git files"
        : "error getting directories from repo: error retrieving Git Directories";
    throw failed(
      what,
      `: rpc error: code = Internal desc = unable to resolve git revision : ${error.message}`,
    );
  }
}

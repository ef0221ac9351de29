import { createHash } from "node:crypto";
import { resolveRef } from "../src/git/refs.ts";
import {
  compareText,
  type GitRepositories,
  isFullSha,
  noSuchCommit,
  type RepositoryTree,
  SourceError,
} from "../src/git/repositories.ts";

/** A repository in memory: commits on one branch. */
export interface MemoryRepository {
  /** Commits in order, oldest first. */
  readonly commits: readonly string[];
  /** Writes (or with `null` removes, a folder too) files on top of the newest commit; returns the new commit. */
  commit(changes: Readonly<Record<string, string | null>>): string;
  tag(name: string): void;
  /** Set to false, the repository is as if it were not there. */
  reachable: boolean;
}

export interface MemoryGit extends GitRepositories {
  repository(repoURL: string): MemoryRepository;
}

interface Stored {
  readonly refs: Map<string, string>;
  readonly trees: Map<string, ReadonlyMap<string, string>>;
  reachable: boolean;
}

/** Git without Git, for runs on virtual time. Commit names follow from the content, so a run is repeatable. */
export function memoryGit(): MemoryGit {
  const repositories = new Map<string, Stored>();
  return {
    repository(repoURL) {
      const repository: Stored = { refs: new Map(), trees: new Map(), reachable: true };
      repositories.set(repoURL, repository);
      const commits: string[] = [];
      return {
        commits,
        get reachable() {
          return repository.reachable;
        },
        set reachable(reachable) {
          repository.reachable = reachable;
        },
        commit(changes) {
          const head = commits.at(-1);
          const files = new Map(head === undefined ? [] : repository.trees.get(head));
          for (const [path, content] of Object.entries(changes)) {
            if (content !== null) files.set(path, content);
            else
              for (const known of [...files.keys()])
                if (known === path || known.startsWith(`${path}/`)) files.delete(known);
          }
          const sorted = new Map([...files].sort(([a], [b]) => compareText(a, b)));
          const sha = createHash("sha1")
            .update(JSON.stringify([repoURL, head, [...sorted]]))
            .digest("hex");
          commits.push(sha);
          repository.trees.set(sha, sorted);
          repository.refs.set("HEAD", sha).set("refs/heads/main", sha);
          return sha;
        },
        tag(name) {
          const head = commits.at(-1);
          if (head !== undefined) repository.refs.set(`refs/tags/${name}`, head);
        },
      };
    },
    async resolve(repoURL, revision) {
      if (isFullSha(revision)) return revision;
      const repository = repositories.get(repoURL);
      if (repository?.reachable !== true)
        throw new SourceError("failed to list refs: repository not found", "Unknown", { unreachable: true });
      const commit = resolveRef(repository.refs, revision);
      if (commit === undefined) throw new SourceError(`unable to resolve '${revision}' to a commit SHA`);
      return commit;
    },
    async tree(repoURL, commit): Promise<RepositoryTree> {
      const files = repositories.get(repoURL)?.trees.get(commit);
      if (files === undefined) throw noSuchCommit(commit, repoURL);
      return {
        commit,
        files: [...files.keys()],
        read: async (paths) =>
          new Map(
            paths.flatMap((path) => {
              const content = files.get(path);
              return content === undefined ? [] : [[path, Buffer.from(content)] as const];
            }),
          ),
      };
    },
  };
}

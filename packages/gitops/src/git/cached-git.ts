import type { Clock } from "@tracegate/contracts";
import { HoldOff } from "./hold-off.ts";
import { type GitRepositories, isFullSha, type RepositoryTree } from "./repositories.ts";

export interface CachedGitOptions {
  readonly clock: Clock;
  /** How long an answer about a revision holds, in milliseconds. */
  readonly maxAgeMs: number;
  /** How many trees are kept (a commit never changes). */
  readonly trees?: number;
}

/** Remembers what Git answered, so that many Applications of one repository cost one question. */
export function cachedGit(
  git: GitRepositories,
  { clock, maxAgeMs, trees = 32 }: CachedGitOptions,
): GitRepositories {
  const revisions = new Map<string, { at: number; answer: Promise<string> }>();
  const kept = new Map<string, Promise<RepositoryTree>>();
  const holdOff = new HoldOff(clock);

  return {
    resolve(repoURL, revision, { fresh = false } = {}) {
      if (isFullSha(revision)) return git.resolve(repoURL, revision);
      const key = `${repoURL}\n${revision}`;
      const now = clock.now();
      const known = revisions.get(key);
      if (known !== undefined && !fresh && now - known.at < maxAgeMs) return known.answer;
      if (revisions.size > 1000)
        for (const [old, { at }] of revisions) if (now - at >= maxAgeMs) revisions.delete(old);
      const answer = holdOff.ask(key, () => git.resolve(repoURL, revision, { fresh }), fresh);
      revisions.set(key, { at: now, answer });
      return answer;
    },
    tree(repoURL, commit) {
      const key = `${repoURL}\n${commit}`;
      const known = kept.get(key);
      const tree = known ?? git.tree(repoURL, commit);
      kept.delete(key); // moves it to the young end
      kept.set(key, tree);
      if (known === undefined) tree.catch(() => kept.delete(key));
      for (const oldest of kept.keys()) {
        if (kept.size <= trees) break;
        kept.delete(oldest);
      }
      return tree;
    },
  };
}

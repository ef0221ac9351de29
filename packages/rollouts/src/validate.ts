import type { RolloutSnapshot } from "./snapshot.ts";
import type { Rollout } from "./types.ts";
import { referenceProblem } from "./validate-references.ts";
import { specProblem } from "./validate-spec.ts";
import { unsupported } from "./validate-support.ts";

/** The first thing wrong with a Rollout, as its InvalidSpec condition says it; undefined where it can be carried out. */
export function invalidSpec(snapshot: RolloutSnapshot): string | undefined {
  const { rollout } = snapshot;
  const problem = rolloutProblem(rollout) ?? referenceProblem(snapshot);
  return problem === undefined ? undefined : `The Rollout "${rollout.metadata.name}" is invalid: ${problem}`;
}

/** What is wrong with a Rollout by itself, without what it refers to: the path, and why. */
export function rolloutProblem(rollout: Rollout): string | undefined {
  return specProblem(rollout) ?? unsupported(rollout);
}

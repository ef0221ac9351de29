import type { Difference } from "./difference.ts";

/** A difference on purpose. */
export interface Listed {
  /** How the aspects begin that differ: each of them must differ, and nothing else may. */
  readonly in: readonly string[];
  readonly why: string;
}

/**
 * Every recording that we answer otherwise on purpose, by kind and name. `docs/compatibility.md` says the same at more
 * length. What comes to agree must leave this list: the tests say so.
 */
export const listedDifferences: Readonly<Record<string, Readonly<Record<string, Listed>>>> = {
  rollouts: {
    "an-secret": {
      in: ["AnalysisRun/web-hash2-2-1"],
      why: "a query that holds a Secret is stored with a stand-in, the real one stores it as it is",
    },
    "bg-pre-fail-retry": {
      in: ["Rollout/web", "Event ", "AnalysisRun/", "get rollout"],
      why: "a version whose analysis failed and that still has its pods is judged anew after a retry; the real one lets it take over unproven",
    },
    "mix-same-image": {
      in: ["Rollout/web"],
      why: "the real one writes `resources: {}` into the Rollout's containers, so that the same template patched again counts as a change of the spec",
    },
    "nginx-abort": {
      in: ["Service/", "Rollout/web", "ReplicaSet/", "AnalysisRun/", "Event ", "get rollout"],
      why: "trafficRouting is refused by name; after the abort the recorded Service also flaps between the versions, which is a defect",
    },
    "nginx-weights": {
      in: ["Service/", "Rollout/web", "ReplicaSet/", "Event Rollout", "get rollout"],
      why: "trafficRouting is refused by name",
    },
    "refused-bad-selector": {
      in: ["Rollout/web", "get rollout"],
      why: "the real one says nothing on the Rollout when its selector cannot be read; here it is told what is wrong",
    },
    "workload-ref": {
      in: ["Rollout/web", "ReplicaSet/", "Event Rollout", "get rollout"],
      why: "workloadRef is refused by name",
    },
  },
  gitops: {
    "manual-sync": {
      in: ["argocd app sync NAME"],
      why: "the real one wrote a state within 60 ms of the end of the sync that comes as one with the next here, so that the table shows one state less",
    },
    rollback: {
      in: ["argocd app rollback NAME 0"],
      why: "the real one compared with a cache that did not know of the rollback yet and printed Synced; ours prints OutOfSync, which the real one wrote 80 ms later and printed when recorded again",
    },
  },
  kubernetes: {
    "http/livez-verbose": {
      in: [""],
      why: "lists the checks that the server has, which are not those of kube-apiserver's inside",
    },
    "update/pod-immutable": {
      in: [".message", ".details.causes"],
      why: "the message ends with the changed paths instead of a diff of Go's internal form",
    },
    "update/job-template-immutable": {
      in: [".message", ".details.causes"],
      why: "the value is shown in its API form instead of Go's internal one",
    },
  },
  jaeger: {},
};

/** What a list has to say about what was found: differences that are not on it, and listed ones that are gone. */
export function unlisted(
  differences: readonly Difference[],
  listed: Listed | undefined,
): { readonly unexpected: readonly Difference[]; readonly gone: readonly string[] } {
  const prefixes = listed?.in ?? [];
  return {
    unexpected: differences.filter(({ what }) => !prefixes.some((prefix) => what.startsWith(prefix))),
    gone: prefixes.filter((prefix) => !differences.some(({ what }) => what.startsWith(prefix))),
  };
}

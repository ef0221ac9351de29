import { undefinedIfNotFound } from "@tracegate/kube";
import { counter, gauge, type SyntheticSeries } from "@tracegate/rehearsal";
import { Rollout } from "@tracegate/rollouts";
import { gatesOf, gatesThatTell, type Trial } from "./gates.ts";
import type { Level, Objective } from "./level.ts";
import { stillToJudge, stillToRun } from "./release-checks.ts";

const environments = ["echo-staging", "echo-prod"];
const rollouts = environments.map((namespace) => ({ namespace, name: "echo-server" }));

/** A release of podinfo to two environments, gated by the state of its pods: the gates do not work. */
export const intermediate: Level = {
  name: "intermediate",
  title: "The Silent Canary",
  path: "adventures/01-echoes-lost-in-orbit/intermediate/manifests",
  faults: {
    "wrong-prometheus": "a gate asks a Prometheus that does not exist",
    "inverted-condition": "a gate wants restarts where it should want none",
    "empty-query": "a gate has comments in place of a query",
  },
  namespaces: environments,
  applications: 2,
  release: {
    title: "podinfo",
    file: "base/rollout.yaml",
    image: "stefanprodan/podinfo",
    from: "6.8.0",
    to: "6.9.3",
    rollouts,
  },
  look: [
    "argocd app list",
    "kubectl argo rollouts -n echo-staging status echo-server",
    "kubectl -n echo-staging get rollout echo-server -o yaml",
  ],
  afterPush: environments.flatMap((namespace) => [
    `argocd app get ${namespace.replace("echo-", "echo-server-")} --refresh`,
    `kubectl argo rollouts retry rollout echo-server -n ${namespace}`,
  ]),
  objectives: [
    {
      text: "podinfo 6.9.3 runs in echo-staging and in echo-prod",
      check: async (world) =>
        (
          await Promise.all(rollouts.map((ref) => stillToRun(world, ref, "stefanprodan/podinfo:6.9.3")))
        ).flat(),
    },
    {
      text: "The canaries went on because of what was measured",
      check: async (world) => (await Promise.all(rollouts.map((ref) => stillToJudge(world, ref)))).flat(),
    },
    gate(
      "A gate holds a canary whose containers restart",
      [
        [{ restartsPerMinute: 0, ready: 1 }, true],
        [{ restartsPerMinute: 6, ready: 1 }, false],
      ],
      "ask for the increase of kube_pod_container_status_restarts_total, and for the right condition on it",
    ),
    gate(
      "A gate holds a canary without a ready container",
      [
        [{ restartsPerMinute: 0, ready: 1 }, true],
        [{ restartsPerMinute: 0, ready: 0 }, false],
      ],
      "look for kube_pod_container_status_* in Prometheus",
    ),
  ],
};

/** What kube-state-metrics would say of an echo server's pod. */
function podSeries(
  namespace: string,
  { restartsPerMinute, ready }: { restartsPerMinute: number; ready: number },
): SyntheticSeries[] {
  const labels = { namespace, pod: "echo-server-rehearsed-1", container: "echo-server" };
  return [
    counter("kube_pod_container_status_restarts_total", labels, restartsPerMinute / 60),
    gauge("kube_pod_container_status_ready", labels, ready),
    gauge("kube_pod_container_status_running", labels, 1),
    gauge("kube_pod_status_ready", { namespace, pod: labels.pod, condition: "true" }, ready),
  ];
}

function gate(
  text: string,
  trials: readonly (readonly [{ restartsPerMinute: number; ready: number }, boolean])[],
  hint: string,
): Objective {
  return {
    text,
    async check({ client }) {
      const missing = await Promise.all(
        rollouts.map(async (ref) => {
          const rollout = await client.get(Rollout, ref).catch(undefinedIfNotFound);
          if (rollout === undefined) return [`there is no rollout echo-server in ${ref.namespace}`];
          const canaries = trials.map(
            ([state, passes]): Trial => ({ series: podSeries(ref.namespace, state), passes }),
          );
          const gates = await gatesOf(client, rollout);
          const telling = await gatesThatTell(gates, canaries);
          return telling.length > 0
            ? []
            : [`tried on made-up pods in ${ref.namespace}, no gate tells them apart`];
        }),
      );
      const found = missing.flat();
      return found.length === 0 ? [] : [...found, hint];
    },
  };
}

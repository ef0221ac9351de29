import { DaemonSet, Pod, undefinedIfNotFound } from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";
import { gatesOf, gatesThatTell, type Trial } from "./gates.ts";
import { type CanaryTraffic, hotrodSeries } from "./hotrod-canary.ts";
import type { Level, Objective, World } from "./level.ts";
import { stillToJudge, stillToRun, stoodStill } from "./release-checks.ts";

const hotrod = { namespace: "hotrod", name: "hotrod" };

/** A release of HotROD, gated by metrics of its own traces: the pipeline is unfinished, and so are the gates. */
export const expert: Level = {
  name: "expert",
  title: "Hyperspace Operations & Transport",
  path: "adventures/01-echoes-lost-in-orbit/expert/manifests",
  faults: {
    "no-receivers": "the Collector has no receivers and crashes",
    "no-metrics-pipeline": "span metrics go nowhere, so that the latency gate finds none",
    "no-traffic-gate": "nothing asks whether the canary gets requests",
  },
  namespaces: ["hotrod", "otel", "traffic-generator"],
  applications: 3,
  release: {
    title: "HotROD",
    file: "hotrod/rollout.yaml",
    image: "jaegertracing/example-hotrod",
    from: "1.75.0",
    to: "1.76.0",
    rollouts: [hotrod],
    traffic: "sum(hotrod_requests_total) > 0",
  },
  look: [
    "argocd app list",
    "kubectl logs -n otel daemonset/collector",
    "kubectl argo rollouts get rollout hotrod -n hotrod",
  ],
  afterPush: [
    "argocd app get otel --refresh",
    "kubectl rollout restart daemonset/collector -n otel",
    "argocd app get hotrod --refresh",
    "kubectl argo rollouts retry rollout hotrod -n hotrod",
  ],
  atSourcePace:
    "The Collector hands span metrics on once a minute, and the latency gate measures NaN until it has seen two such times of " +
    "the canary: retry half a minute after a restart, not at once.",
  objectives: [
    {
      text: "HotROD 1.76.0 takes all of the traffic, let through by what was measured",
      async check(world) {
        const running = await stillToRun(world, hotrod, "jaegertracing/example-hotrod:1.76.0");
        if (running.length > 0) return [...running, ...(await stoodStill(world, hotrod))];
        return stillToJudge(world, hotrod);
      },
    },
    {
      text: "The OpenTelemetry Collector runs and takes HotROD's spans",
      check: collectorRuns,
    },
    {
      text: "Spans become metrics in Prometheus",
      async check({ query }) {
        const found = await query(
          'count(traces_span_metrics_duration_milliseconds_bucket{hotrod_namespace="hotrod"})',
        );
        if ((found[0] ?? 0) > 0) return [];
        return [
          "Prometheus knows no traces_span_metrics_duration_milliseconds_bucket of HotROD",
          "which pipeline takes what the spanmetrics connector makes, and which exporter serves it on port 8889?",
        ];
      },
    },
    {
      text: "Traces reach Jaeger",
      async check({ tracedServices }) {
        if ((await tracedServices()).includes("frontend")) return [];
        return ["Jaeger has no traces of `frontend`: does the traces pipeline receive and export them?"];
      },
    },
    gate(
      "A gate sees to it that the canary gets at least 0.05 requests a second",
      [
        [{ requestsPerSecond: 0.06 }, true],
        [{ requestsPerSecond: 1, failing: 1 }, true],
        [{ requestsPerSecond: 1, milliseconds: 1500 }, true],
        [{ requestsPerSecond: 0.04 }, false],
        [{ requestsPerSecond: 0 }, false],
      ],
      "ask for the rate of hotrod_requests_total of the canary's pods",
    ),
    gate(
      "A gate holds a canary that fails 5 % of its requests or more",
      [
        [{ failing: 0.04 }, true],
        [{ milliseconds: 1500 }, true],
        [{ failing: 0.06 }, false],
        [{ failing: 1 }, false],
      ],
      'ask for the share of requests with error="true" of the canary\'s pods',
    ),
    gate(
      "A gate holds a canary whose 95th percentile is a second or more",
      [
        [{ milliseconds: 700 }, true],
        [{ failing: 1 }, true],
        [{ milliseconds: 1500 }, false],
      ],
      "ask for the 95th percentile of traces_span_metrics_duration_milliseconds_bucket of the canary's pods",
    ),
  ],
};

async function collectorRuns({ client }: World): Promise<readonly string[]> {
  const daemonSet = await client
    .get(DaemonSet, { namespace: "otel", name: "collector" })
    .catch(undefinedIfNotFound);
  if (daemonSet === undefined) return ["there is no DaemonSet collector in otel"];
  const { desiredNumberScheduled = 0, numberReady = 0 } = daemonSet.status ?? {};
  if (desiredNumberScheduled > 0 && numberReady >= desiredNumberScheduled) return [];
  const pods = (await client.list(Pod, { namespace: "otel" })).items;
  const waiting = pods.flatMap(({ metadata, status }) =>
    (status?.containerStatuses ?? []).flatMap(({ state }) =>
      state?.waiting === undefined ? [] : [`pod ${metadata.name}: ${state.waiting.reason}`],
    ),
  );
  return [
    ...(waiting.length > 0 ? waiting : [`${numberReady} of ${desiredNumberScheduled} collectors are ready`]),
    "see: kubectl logs -n otel daemonset/collector",
    "after mending its configuration: kubectl rollout restart daemonset/collector -n otel",
  ];
}

/** An objective that a gate tells canaries apart, tried on canaries that never were. */
function gate(
  text: string,
  trials: readonly (readonly [Partial<CanaryTraffic>, boolean])[],
  hint: string,
): Objective {
  const usual: CanaryTraffic = { requestsPerSecond: 1, failing: 0, milliseconds: 100 };
  const canaries = trials.map(
    ([traffic, passes]): Trial => ({ series: hotrodSeries({ ...usual, ...traffic }), passes }),
  );
  return {
    text,
    async check({ client }) {
      const rollout = await client.get(Rollout, hotrod).catch(undefinedIfNotFound);
      if (rollout === undefined) return ["there is no rollout hotrod in hotrod"];
      const gates = await gatesOf(client, rollout);
      if ((await gatesThatTell(gates, canaries)).length > 0) return [];
      const names = gates.map(({ metric }) => metric.name).join(", ");
      return [
        `tried on made-up canaries, ${names === "" ? "no gate is there to tell" : `none of ${names} tells`} them apart`,
        hint,
      ];
    },
  };
}

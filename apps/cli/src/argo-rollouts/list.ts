import { formatTime, type ResourceClient, type WatchOptions } from "@tracegate/kube";
import { Rollout, type RolloutView, rolloutView } from "@tracegate/rollouts";
import { command, lookEveryMs } from "./plugin.ts";
import { printedTable } from "./printed-table.ts";

const titles = [
  ...["NAME", "STRATEGY", "STATUS", "STEP", "SET-WEIGHT"],
  ...["READY", "DESIRED", "UP-TO-DATE", "AVAILABLE"],
];
/** Room for what comes later in a watch, whose lines are printed one by one. */
const least = [10, 9, 12, 4, 10, 5, 7, 10, 9];

export const list = command({
  path: "list rollouts",
  aliases: ["ro", "rollout"],
  args: [0, Number.POSITIVE_INFINITY],
  summary: "List Rollouts: strategy, status, step, weight, replicas",
  examples: ["kubectl argo rollouts list rollouts", "kubectl argo rollouts list rollouts -A --watch"],
  flags: {
    "all-namespaces": { type: "bool", short: "A", help: "of all namespaces" },
    name: { type: "string", help: "only the Rollout of this name" },
    timestamps: { type: "bool", help: "begin lines with the time" },
    watch: { type: "bool", short: "w", help: "print a line for each change" },
  },
  async run(_args, flags, { client, namespace, clock, io }) {
    const allNamespaces = flags["all-namespaces"];
    const wanted = {
      ...(allNamespaces ? {} : { namespace }),
      ...(flags.name === "" ? {} : { fieldSelector: `metadata.name=${flags.name}` }),
    };
    const rowOf = (rollout: Rollout): string[] => {
      const view = rolloutView({ rollout, replicaSets: [], pods: [], analysisRuns: [] });
      return [...(allNamespaces ? [view.namespace] : []), ...cellsOf(view)];
    };
    const widths = [...(flags.timestamps ? [20] : []), ...(allNamespaces ? [9] : []), ...least];
    const print = (rows: readonly (readonly string[])[], head?: readonly string[]) => {
      const time = flags.timestamps ? [formatTime(clock.now())] : [];
      const stamped = rows.map((row) => [...time, ...row]);
      io.out(printedTable(head && [...(flags.timestamps ? ["TIMESTAMP"] : []), ...head], stamped, widths));
    };
    const { items, metadata } = await client.list(Rollout, wanted);
    if (items.length === 0 && !flags.watch) {
      io.err("No resources found.\n");
      return 0;
    }
    print(items.map(rowOf), allNamespaces ? ["NAMESPACE", ...titles] : titles);
    const shown = new Map(items.map((rollout) => [rollout.metadata.uid, rowOf(rollout).join("\t")]));
    const tell = (rollout: Rollout) => {
      const row = rowOf(rollout);
      if (shown.get(rollout.metadata.uid) === row.join("\t")) return;
      shown.set(rollout.metadata.uid, row.join("\t"));
      print([row]);
    };
    for (let { resourceVersion } = metadata; flags.watch && !io.signal.aborted; ) {
      await untilWatchEnds(client, { ...wanted, resourceVersion }, tell, io.signal);
      // A server closes watches now and then; what happened meanwhile is made up for.
      await clock.after(lookEveryMs, io.signal).catch(() => {});
      if (io.signal.aborted) break;
      const now = await client.list(Rollout, wanted);
      for (const rollout of now.items) tell(rollout);
      resourceVersion = now.metadata.resourceVersion;
    }
    return 0;
  },
});

function untilWatchEnds(
  client: ResourceClient,
  options: WatchOptions,
  tell: (rollout: Rollout) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const watch = client.watch(Rollout, options, {
      event(event) {
        if (event.type === "ADDED" || event.type === "MODIFIED") tell(event.object);
      },
      close: () => end(),
    });
    const end = () => {
      signal.removeEventListener("abort", end);
      watch.stop();
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
  });
}

function cellsOf(view: RolloutView): string[] {
  return [
    view.name,
    view.strategy === "" ? "unknown" : view.strategy,
    view.phase,
    view.step ?? "-",
    view.strategy === "Canary" ? String(view.setWeight ?? 0) : "-",
    `${view.ready}/${view.current}`,
    String(view.desired),
    String(view.updated),
    String(view.available),
  ];
}

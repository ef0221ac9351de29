import { formatTime } from "@tracegate/kube";
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
    const look = async () => {
      const { items } = await client.list(Rollout, {
        ...(allNamespaces ? {} : { namespace }),
        ...(flags.name === "" ? {} : { fieldSelector: `metadata.name=${flags.name}` }),
      });
      return items
        .map((rollout) => rolloutView({ rollout, replicaSets: [], pods: [], analysisRuns: [] }))
        .map((view) => [...(allNamespaces ? [view.namespace] : []), ...rowOf(view)]);
    };
    const widths = [...(flags.timestamps ? [20] : []), ...(allNamespaces ? [9] : []), ...least];
    const print = (rows: readonly (readonly string[])[], head?: readonly string[]) => {
      const time = flags.timestamps ? [formatTime(clock.now())] : [];
      const stamped = rows.map((row) => [...time, ...row]);
      io.out(printedTable(head && [...(flags.timestamps ? ["TIMESTAMP"] : []), ...head], stamped, widths));
    };
    const first = await look();
    if (first.length === 0 && !flags.watch) {
      io.err("No resources found.\n");
      return 0;
    }
    print(first, allNamespaces ? ["NAMESPACE", ...titles] : titles);
    const shown = new Set(first.map((row) => row.join("\t")));
    while (flags.watch && !io.signal.aborted) {
      await clock.after(lookEveryMs, io.signal).catch(() => {});
      const rows = await look();
      const changed = rows.filter((row) => !shown.has(row.join("\t")));
      if (changed.length > 0) print(changed);
      shown.clear();
      for (const row of rows) shown.add(row.join("\t"));
    }
    return 0;
  },
});

function rowOf(view: RolloutView): string[] {
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

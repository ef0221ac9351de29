import { formatTime } from "@tracegate/kube";
import { renderRolloutList } from "@tracegate/rollouts";
import { allViews } from "./objects.ts";
import { command, lookEveryMs } from "./plugin.ts";

export const list = command({
  path: "list rollouts",
  aliases: ["rollout", "ro"],
  summary: "List Rollouts: strategy, status, step, weight, replicas",
  examples: ["kubectl argo rollouts list rollouts", "kubectl argo rollouts list rollouts -A --watch"],
  flags: {
    "all-namespaces": { type: "bool", short: "A", help: "of all namespaces" },
    name: { type: "string", help: "only the Rollout of this name" },
    watch: { type: "bool", short: "w", help: "print a line for each change" },
    timestamps: { type: "bool", help: "begin changed lines with the time" },
  },
  async run(_args, flags, { client, namespace, clock, io }) {
    const allNamespaces = flags["all-namespaces"];
    const rows = async () => {
      const views = await allViews(client, allNamespaces ? undefined : namespace);
      const wanted = views.filter(({ name }) => flags.name === "" || name === flags.name);
      return renderRolloutList(wanted, { allNamespaces }).split("\n");
    };
    const stamp = (line: string, index: number) =>
      !flags.timestamps ? line : `${index === 0 ? "TIMESTAMP".padEnd(20) : formatTime(clock.now())}  ${line}`;
    const first = await rows();
    if (first.length === 1 && !flags.watch) {
      io.err("No resources found.\n");
      return 0;
    }
    io.out(`${first.map(stamp).join("\n")}\n`);
    for (let before = first; flags.watch && !io.signal.aborted; ) {
      await clock.after(lookEveryMs, io.signal).catch(() => {});
      const now = await rows();
      const changed = now.slice(1).filter((line) => !before.includes(line));
      for (const line of changed) io.out(`${stamp(line, 1)}\n`);
      before = now;
    }
    return 0;
  },
});

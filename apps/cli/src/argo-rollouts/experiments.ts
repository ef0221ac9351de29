import { formatTime, humanDuration, isNotFound, parseTime } from "@tracegate/kube";
import { Experiment, stateIcon } from "@tracegate/rollouts";
import { parseDuration } from "../cobra/duration.ts";
import { rolloutPainter } from "../painter.ts";
import { command, PluginError } from "./plugin.ts";
import { printedTable } from "./printed-table.ts";

// Tracegate runs no Experiments, so that these find some on other clusters only.

const aliases = ["exp", "experiments"] as const;
const some = { use: "EXPERIMENT_NAME", args: [1, Number.POSITIVE_INFINITY] } as const;

export const getExperiment = command({
  path: "get experiment",
  aliases,
  use: "EXPERIMENT_NAME",
  args: [1, 1],
  summary: "Show an Experiment",
  examples: ["kubectl argo rollouts get experiment shop-5d4f8c-2-1"],
  flags: {
    watch: { type: "bool", short: "w", help: "not supported: Experiments are not run here" },
    "no-color": { type: "bool", help: "do not use colours" },
  },
  async run([name = ""], flags, { client, namespace, clock, io }) {
    if (flags.watch) throw new PluginError("--watch is not supported for Experiments");
    const { metadata, status } = await client.get(Experiment, { namespace, name }).catch((error: unknown) => {
      throw isNotFound(error) ? new PluginError(`experiment.argoproj.io "${name}" not found`) : error;
    });
    const paint = rolloutPainter(io.colour && !flags["no-color"]);
    const phase = status?.phase ?? "";
    const { icon, tone } = stateIcon(phase, "run");
    const age = humanDuration(clock.now() - (parseTime(metadata.creationTimestamp ?? "") ?? clock.now()));
    const line = (label: string, value: string) => `${`${label}:`.padEnd(17)}${value}\n`;
    io.out(line("Name", name) + line("Namespace", namespace));
    io.out(line("Status", paint(tone, `${icon} ${phase}`)));
    if (status?.message) io.out(line("Message", status.message));
    io.out(
      `\n${printedTable(
        ["NAME", "KIND", "STATUS", "AGE", "INFO"],
        [[`Σ ${name}`, "Experiment", `${icon} ${phase}`, age, ""]],
      )}`,
    );
    return 0;
  },
});

export const listExperiments = command({
  path: "list experiments",
  aliases: ["exp", "experiment"],
  args: [0, Number.POSITIVE_INFINITY],
  summary: "List Experiments: status, how long they take, what is left",
  examples: ["kubectl argo rollouts list experiments"],
  flags: { "all-namespaces": { type: "bool", short: "A", help: "of all namespaces" } },
  async run(_args, flags, { client, namespace, clock, io }) {
    const all = flags["all-namespaces"];
    const { items } = await client.list(Experiment, all ? {} : { namespace });
    if (items.length === 0) {
      io.err("No resources found.\n");
      return 0;
    }
    const since = (time = "") => clock.now() - (parseTime(time) ?? clock.now());
    const rows = items.map(({ metadata, spec, status = {} }) => {
      const duration = parseDuration(spec.duration ?? "");
      const left =
        duration === undefined || status.availableAt === undefined || isOver(status.phase)
          ? 0
          : duration - since(status.availableAt);
      return [
        ...(all ? [metadata.namespace ?? ""] : []),
        metadata.name,
        status.phase ?? "",
        duration === undefined ? "-" : humanDuration(duration),
        left > 0 ? humanDuration(left) : "-",
        humanDuration(since(metadata.creationTimestamp ?? formatTime(clock.now()))),
      ];
    });
    const titles = ["NAME", "STATUS", "DURATION", "REMAINING", "AGE"];
    const least = [10, 6, 8, 9, 3];
    io.out(printedTable(all ? ["NAMESPACE", ...titles] : titles, rows, all ? [9, ...least] : least));
    return 0;
  },
});

const isOver = (phase = ""): boolean => ["Successful", "Failed", "Error", "Inconclusive"].includes(phase);

export const retryExperiment = command({
  ...some,
  path: "retry experiment",
  aliases,
  summary: "Start a failed Experiment again",
  examples: ["kubectl argo rollouts retry experiment shop-5d4f8c-2-1"],
  async run(names, _flags, { client, namespace, io }) {
    for (const name of names) {
      await client.patch(Experiment, { namespace, name }, { type: "merge", body: { status: null } });
      io.out(`experiment '${name}' retried\n`);
    }
    return 0;
  },
});

export const terminateExperiment = command({
  ...some,
  path: "terminate experiment",
  aliases,
  summary: "End a running Experiment",
  examples: ["kubectl argo rollouts terminate experiment shop-5d4f8c-2-1"],
  async run(names, _flags, { client, namespace, io }) {
    for (const name of names) {
      const body = { spec: { terminate: true } };
      await client.patch(Experiment, { namespace, name }, { type: "merge", body });
      io.out(`experiment '${name}' terminated\n`);
    }
    return 0;
  },
});

import { wallClock } from "@tracegate/contracts";
import { Application } from "@tracegate/gitops";
import { Event, isNotFound, type Kind, type KubeObject, Pod, type ResourceClient } from "@tracegate/kube";
import { runningPlatform } from "@tracegate/platform";
import { Rollout } from "@tracegate/rollouts";
import { command, common } from "../command.ts";
import { connect, stateMeant } from "../connection.ts";
import { indented, print, table } from "../output.ts";
import { refusedCommits } from "../refused-commits.ts";
import { unreadyPods } from "../unready-pods.ts";

export const status = command({
  path: "status",
  summary: "What runs, where it serves, and how applications and rollouts are",
  details: "Exits 0 when all is healthy, 1 when something is not, 3 when no platform runs.",
  examples: ["tracegate status", "tracegate status -o json"],
  options: { state: common.state, output: common.output },
  async run({ state: path, output }, io) {
    const state = stateMeant(path, io);
    const running = runningPlatform(state);
    if (running === undefined) {
      print(
        io,
        output,
        { running: false },
        () =>
          `No platform runs on ${state.root}. Start one with \`tracegate up\`, or name another with --state DIR.\n`,
      );
      return 3;
    }
    const { pid, server, urls } = running;
    const client = connect(path, io);
    try {
      const delivered = await listed(client, Application);
      const refused = refusedCommits(delivered);
      const applications = delivered.map(({ metadata, status }) => ({
        namespace: metadata.namespace ?? "",
        name: metadata.name,
        sync: status?.sync?.status ?? "Unknown",
        health: status?.health?.status ?? "Unknown",
      }));
      const rollouts = (await listed(client, Rollout)).map(({ metadata, status }) => ({
        namespace: metadata.namespace ?? "",
        name: metadata.name,
        phase: status?.phase ?? "Unknown",
        message: status?.message ?? "",
      }));
      const healthy =
        applications.every(({ sync, health }) => sync === "Synced" && health === "Healthy") &&
        rollouts.every(({ phase }) => phase === "Healthy");
      const unready = unreadyPods(await listed(client, Pod), await listed(client, Event), wallClock.now());
      const section = (title: string, lines: readonly string[]): string =>
        lines.length === 0
          ? ""
          : `\n${title}:\n${lines.flatMap((line) => indented(line, "  ", io.terminal?.columns)).join("\n")}\n`;
      print(
        io,
        output,
        {
          running: true,
          pid,
          server,
          urls,
          kubeconfig: state.kubeconfig,
          applications,
          refused,
          rollouts,
          unready,
        },
        () =>
          [
            `Platform: process ${pid}, Kubernetes API at ${server}\n`,
            ...Object.entries(urls).map(([name, url]) => `  ${name.padEnd(12)} ${url}\n`),
            `  ${"kubeconfig".padEnd(12)} ${state.kubeconfig}\n`,
            applications.length === 0
              ? "\nNo applications.\n"
              : `\n${table(
                  ["APPLICATION", "SYNC", "HEALTH"],
                  applications.map((app) => [app.name, app.sync, app.health]),
                )}`,
            rollouts.length === 0
              ? "\nNo rollouts.\n"
              : `\n${table(
                  ["ROLLOUT", "NAMESPACE", "STATUS", "MESSAGE"],
                  rollouts.map((rollout) => [
                    rollout.name,
                    rollout.namespace,
                    rollout.phase,
                    rollout.message,
                  ]),
                )}`,
            section("Not deployed", refused),
            section("Not ready", unready),
          ].join(""),
      );
      return healthy ? 0 : 1;
    } finally {
      client.close();
    }
  },
});

/** A cluster need not have the kind: then there are none of it. */
async function listed<T extends KubeObject>(client: ResourceClient, kind: Kind<T>): Promise<T[]> {
  try {
    return (await client.list(kind)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

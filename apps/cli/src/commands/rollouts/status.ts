import { ProblemError, wallClock } from "@tracegate/contracts";
import { evidenceArchive } from "@tracegate/evidence";
import { Event, Pod, type ResourceClient } from "@tracegate/kube";
import { runningPlatform, type StateDirectory } from "@tracegate/platform";
import { type RolloutView, renderStatus } from "@tracegate/rollouts";
import { command, common, type Io } from "../../command.ts";
import { connect, stateMeant } from "../../connection.ts";
import { summary } from "../../demo/summary.ts";
import { print } from "../../output.ts";
import { painter } from "../../painter.ts";
import { unreadyPods } from "../../unready-pods.ts";
import { viewOf } from "./objects.ts";

const lookEveryMs = 250;

export const status = command({
  path: "rollouts status",
  summary: "Wait until a Rollout is healthy or degraded, printing what it does meanwhile",
  details:
    "Says what holds it, too: pods that do not become ready, the gate that refused it.\n" +
    "Exits 0 when it is healthy, 1 when it is degraded, 3 when the time is over.",
  examples: [
    "tracegate rollouts status hotrod -n hotrod",
    "tracegate rollouts status hotrod -n hotrod --once",
  ],
  positionals: [{ name: "name", help: "the Rollout" }],
  options: {
    once: { flags: "--once", help: "say what it is now instead of waiting" },
    timeout: { flags: "--timeout <seconds>", help: "wait no longer than that", default: "0" },
    namespace: common.namespace,
    output: common.output,
    state: common.state,
  },
  async run({ name, once, timeout, namespace, output, state }, io) {
    const seconds = Number(timeout);
    if (!Number.isFinite(seconds) || seconds < 0) {
      throw new ProblemError({
        code: "input/number",
        where: "--timeout",
        message: `${timeout} is no number of seconds`,
      });
    }
    const client = connect(state, io);
    const deadline = seconds === 0 ? Number.POSITIVE_INFINITY : wallClock.now() + seconds * 1000;
    try {
      for (let before = ""; ; ) {
        const view = await viewOf(client, namespace, name);
        const { phase, message } = view;
        const holds = phase === "Healthy" ? [] : await unreadyOf(client, view);
        const line = [renderStatus(view), ...holds.map((each) => `  ${each}`)].join("\n");
        const settled = once || phase === "Healthy" || phase === "Degraded";
        if (output === undefined ? line !== before : settled) {
          print(io, output, { phase, message }, () => `${line}\n`);
        }
        if (settled && phase === "Degraded") {
          if (output === undefined) io.out(await refusalOf(stateMeant(state, io), view, io));
          return 1;
        }
        if (settled) return 0;
        before = line;
        if (wallClock.now() > deadline) return 3;
        await wallClock.after(lookEveryMs, io.signal);
      }
    } finally {
      client.close();
    }
  },
});

/** What pods of the Rollout say that do not become ready. */
async function unreadyOf(client: ResourceClient, { namespace, revisions }: RolloutView): Promise<string[]> {
  const own = new Set(
    revisions.flatMap(({ replicaSets }) => replicaSets.flatMap(({ pods }) => pods.map(({ name }) => name))),
  );
  const { items: pods } = await client.list(Pod, { namespace });
  const { items: events } = await client.list(Event, { namespace });
  return unreadyPods(
    pods.filter(({ metadata }) => own.has(metadata.name)),
    events,
    wallClock.now(),
  );
}

/** Written when the controller sees the verdict, which may be a moment after we did. */
const evidencePatienceMs = 1500;

/** The evidence of the newest revision's refusal, where the platform that keeps it runs here. */
async function refusalOf(
  state: StateDirectory,
  { namespace, name, revisions }: RolloutView,
  io: Io,
): Promise<string> {
  const revision = revisions[0]?.revision;
  if (revision === undefined || runningPlatform(state) === undefined) return "";
  const archive = evidenceArchive(state.evidence);
  for (let waited = 0; waited <= evidencePatienceMs; waited += lookEveryMs) {
    const newest = (await archive.read({ namespace, name }, revision)).at(-1);
    if (newest?.evidence.verdict === "no-go")
      return `\n${summary(newest.evidence, newest.directory, painter(io.colour))}`;
    await wallClock.after(lookEveryMs, io.signal);
  }
  return "";
}

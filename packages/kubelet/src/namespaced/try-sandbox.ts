import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Clock, type Problem, ProblemError } from "@tracegate/contracts";
import type { ContainerProcessState, SandboxKind } from "../agent/protocol.ts";
import { NamespacedSandbox } from "./namespaced-sandbox.ts";
import { temporaryPlace } from "./probe-sandbox.ts";

const exitCode = 7;
const lookMs = 20;
/** An agent whose trial is killed ends with it. */
const leftAloneMs = 1000;
const patienceMs = 20_000;

/**
 * Runs a pod to its end in a sandbox made for it, the way all pods run: an agent, a network, a root, a volume, a log. What
 * goes wrong is told; nothing is left.
 */
export async function trySandbox(kind: SandboxKind, clock: Clock): Promise<{ readonly problem?: Problem }> {
  const place = temporaryPlace("trial");
  if (typeof place !== "string") return { problem: place };
  const sandbox = new NamespacedSandbox({ stateDir: place, clock, graceMs: leftAloneMs }, kind);
  try {
    await sandbox.connect();
    const { startError, exitCode: found } = await runPod(sandbox, place, clock);
    if (found === exitCode) return {};
    return { problem: failed(startError ?? `the program ended with ${found}, not with ${exitCode}`) };
  } catch (error) {
    if (error instanceof ProblemError) return { problem: error.problem };
    return { problem: failed(error instanceof Error ? error.message : String(error)) };
  } finally {
    await sandbox.shutdown().catch(() => {});
    rmSync(place, { recursive: true, force: true });
  }
}

async function runPod(
  sandbox: NamespacedSandbox,
  stateDir: string,
  clock: Clock,
): Promise<Pick<ContainerProcessState, "startError" | "exitCode">> {
  const podUid = "trial";
  await sandbox.startPod({
    ...{ uid: podUid, namespace: "default", name: podUid, hostname: podUid },
    hosts: "127.0.0.1\tlocalhost\n",
    resolvConf: "",
    memoryVolumes: ["trial"],
    diskVolumes: {},
    ports: {},
    memoryBytes: 2 ** 20,
  });
  const content = Buffer.from(`exit ${exitCode}\n`).toString("base64");
  await sandbox.writeVolume(podUid, "trial", [{ path: "script", content, mode: 0o644 }]);
  await sandbox.startContainer({
    ...{ podUid, name: "trial", attempt: 0 },
    command: ["sh", "/trial/script"],
    env: {},
    workingDir: "/",
    volumeMounts: [{ volume: "trial", mountPath: "/trial", readOnly: true }],
    binds: [],
    readOnlyRoot: false,
    capabilities: [],
    ...{ stdin: false, stdinOnce: false, tty: false },
    logFile: join(stateDir, "log"),
    terminationMessagePath: "/dev/termination-log",
  });
  for (const giveUpAt = clock.now() + patienceMs; clock.now() < giveUpAt; ) {
    const [state] = (await sandbox.list())[0]?.containers ?? [];
    if (state?.state === "exited") return state;
    await clock.after(lookMs);
  }
  return { startError: "the program did not end" };
}

const failed = (words: string): Problem => ({
  code: "node/no-pod",
  message: `A pod was tried and did not run: ${words}`,
  advice: "The words are the system's own; please report them if they say nothing to you.",
});

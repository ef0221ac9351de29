// A control plane of one pod, for tests that kill it: `control-plane.ts STATE_DIR GRACE_MS MARKER`. Prints the pod's address.
import { wallClock } from "@tracegate/contracts";
import { openNamespacedSandbox } from "../src/index.ts";
import { containerSpec, podSpec } from "./index.ts";

const [stateDir = "", graceMs = "", marker = ""] = process.argv.slice(2);
const sandbox = await openNamespacedSandbox({ stateDir, clock: wallClock, graceMs: Number(graceMs) });
const { ip } = await sandbox.startPod(podSpec("kept"));
await sandbox.startContainer(
  containerSpec(stateDir, "kept", ["sh", "-c", `echo up; while :; do sleep 0.1; done # ${marker}`]),
);
console.log(ip);

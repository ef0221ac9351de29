import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

/** The real kubectl against the platform on a state directory; throws with what it printed when it fails. */
export function kubectl(state: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(
    "kubectl",
    ["--kubeconfig", join(state, "kubeconfig"), ...args],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** `-o json`, parsed; the caller names what it asked for. */
export function kubectlJson<T>(state: string, ...args: string[]): T {
  return JSON.parse(
    execFileSync("kubectl", ["--kubeconfig", join(state, "kubeconfig"), ...args, "-o", "json"], {
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    }),
  ) as T;
}

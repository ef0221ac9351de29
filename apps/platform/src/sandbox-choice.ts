import { type Problem, ProblemError } from "@tracegate/contracts";
import { probeSandbox } from "@tracegate/kubelet";

export const sandboxChoices = ["auto", "namespaced", "plain"] as const;
export type SandboxChoice = (typeof sandboxChoices)[number];

/** Why pods cannot run on this system at all; undefined on Linux. */
export function foreignSystem(system: NodeJS.Platform = process.platform): Problem | undefined {
  if (system === "linux") return undefined;
  return {
    code: "node/not-linux",
    message: `pods run on Linux only, and this is ${system}`,
    advice:
      system === "win32"
        ? "Run Tracegate in WSL 2"
        : "Run Tracegate in a Linux virtual machine, such as Lima's: limactl start && lima",
  };
}

/**
 * Which sandbox it comes to, and a line for the user where that is not the isolating one.
 * @throws ProblemError where no pod can run.
 */
export function chooseSandbox(
  choice: SandboxChoice,
  system?: NodeJS.Platform,
): { kind: "namespaced" | "plain"; line?: string } {
  const foreign = foreignSystem(system);
  if (foreign !== undefined) throw new ProblemError(foreign);
  if (choice === "namespaced") return { kind: "namespaced" };
  const unisolated = "pods run as plain processes of your user, which nothing isolates";
  if (choice === "plain") return { kind: "plain", line: `Plain sandbox: ${unisolated}` };
  const { problem } = probeSandbox();
  if (problem === undefined) return { kind: "namespaced" };
  return { kind: "plain", line: `${problem.message}: ${unisolated}` };
}

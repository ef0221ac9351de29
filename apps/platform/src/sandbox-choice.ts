import { probeSandbox } from "@tracegate/kubelet";

export const sandboxChoices = ["auto", "namespaced", "plain"] as const;
export type SandboxChoice = (typeof sandboxChoices)[number];

/** Which sandbox it comes to, and a line for the user where that is not the isolating one. */
export function chooseSandbox(choice: SandboxChoice): { kind: "namespaced" | "plain"; line?: string } {
  if (choice === "namespaced") return { kind: "namespaced" };
  const unisolated = "pods run as plain processes of your user, which nothing isolates";
  if (choice === "plain") return { kind: "plain", line: `Plain sandbox: ${unisolated}` };
  const { problem } = probeSandbox();
  if (problem === undefined) return { kind: "namespaced" };
  return { kind: "plain", line: `${problem.message}: ${unisolated}` };
}

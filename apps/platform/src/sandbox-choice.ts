import { type Problem, ProblemError } from "@tracegate/contracts";
import { plainKind, probeSandbox, type SandboxKind } from "@tracegate/kubelet";

export const sandboxChoices = ["auto", "namespaced", "plain"] as const;
export type SandboxChoice = (typeof sandboxChoices)[number];

/** Why pods cannot run on this system at all; undefined where they can. */
export function foreignSystem(system: NodeJS.Platform = process.platform): Problem | undefined {
  if (system === "linux" || system === "darwin") return undefined;
  return {
    code: "node/foreign-system",
    message: `pods run on Linux and macOS only, and this is ${system}`,
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
export async function chooseSandbox(
  choice: SandboxChoice,
  system?: NodeJS.Platform,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ kind: SandboxKind; line?: string }> {
  const foreign = foreignSystem(system);
  if (foreign !== undefined) throw new ProblemError(foreign);
  if (choice === "namespaced") return { kind: "namespaced" };
  const { problem } = choice === "plain" ? {} : probeSandbox();
  if (choice === "auto" && problem === undefined) return { kind: "namespaced" };
  const { kind } = await plainKind(env);
  const shared = kind === "loopback" ? ", and share the ports of 127.0.0.1" : "";
  return {
    kind,
    line: `${problem?.message ?? "Plain sandbox"}: pods run as plain processes of your user, which nothing isolates${shared}`,
  };
}

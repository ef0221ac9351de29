import { command } from "./plugin.ts";

/** The version of Argo Rollouts whose commands and words these are. */
export const follows = "v1.9.2";

export const version = command({
  path: "version",
  args: [0, Number.POSITIVE_INFINITY],
  summary: "Print the version",
  examples: ["kubectl argo rollouts version", "kubectl argo rollouts version --short"],
  flags: { short: { type: "bool", help: "the number only" } },
  async run(_args, { short }, { io }) {
    io.out(`kubectl-argo-rollouts: ${follows}+tracegate\n`);
    if (!short)
      io.out(`  Runtime: node ${process.version}\n  Platform: ${process.platform}/${process.arch}\n`);
    return 0;
  },
});

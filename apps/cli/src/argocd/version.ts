import { Application } from "@tracegate/gitops";
import { command, controlPlane } from "./session.ts";

/** The version of Argo CD whose commands and words these are. */
const follows = "v3.1.9+tracegate";

export const version = command({
  path: "version",
  summary: "Print the versions of this program and of what it talks to",
  examples: ["argocd version --client"],
  flags: {
    client: { type: "bool", help: "of this program only" },
    short: { type: "bool", help: "the numbers only" },
  },
  async run(_args, flags, session) {
    const { io } = session;
    const build = [`  Runtime: node ${process.version}`, `  Platform: ${process.platform}/${process.arch}`];
    const own = [`argocd: ${follows}`, ...(flags.short ? [] : build)];
    io.out(`${own.join("\n")}\n`);
    if (flags.client) return 0;
    // The program renders and compares itself (as with --core); what it needs of the server is the API, which this asks.
    await session.client.list(Application, { namespace: controlPlane, limit: 1 });
    io.out(`argocd-server: ${follows}\n${flags.short ? "" : `${build.join("\n")}\n`}`);
    return 0;
  },
});

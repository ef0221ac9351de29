// The `argocd` process. It speaks to the Kubernetes API that the kubeconfig names, as the original does with --core.
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { wallClock } from "@tracegate/contracts";
import { createRemoteClient } from "@tracegate/controller-runtime";
import { commandGit } from "@tracegate/gitops";
import { resolveKubeconfig } from "../kubeconfig.ts";
import { processIo } from "../process-io.ts";
import { configFile } from "./config.ts";
import { runArgocd } from "./program.ts";

const io = processIo();
const { HOME = "", XDG_CACHE_HOME, ARGOCD_OPTS = "" } = process.env;
const cache = join(XDG_CACHE_HOME || join(HOME, ".cache"), "tracegate", "git");
const always = ARGOCD_OPTS.split(/\s+/).filter((option) => option !== "");

process.exit(
  await runArgocd([...always, ...process.argv.slice(2)], {
    connect(flags, token) {
      const { access } = resolveKubeconfig({ ...flags, env: io.env });
      const { server, ca } = access;
      // A token says who one is; the kubeconfig's certificate would, too.
      const client = createRemoteClient(
        token === undefined ? access : { server, token, ...(ca === undefined ? {} : { ca }) },
      );
      return { client, server, close: () => client.close() };
    },
    git: commandGit({ directory: cache }),
    config: (flag) => configFile(flag, io.env),
    async ask(question) {
      if (process.stdin.isTTY !== true) return undefined;
      const terminal = createInterface({ input: process.stdin, output: process.stdout });
      try {
        return await terminal.question(question, { signal: io.signal });
      } finally {
        terminal.close();
      }
    },
    clock: wallClock,
    io,
  }),
);

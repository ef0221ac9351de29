import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { shellQuoted } from "./output.ts";

/** Where a checkout has its own kubectl-argo-rollouts and argocd; an installed package's are on the PATH already. */
const checkoutBins = fileURLToPath(new URL("../../../node_modules/.bin", import.meta.url));

/** The lines that make a shell's kubectl, `kubectl argo rollouts`, argocd and tracegate speak to a platform. */
export function shellSetup(
  kubeconfig: string,
  env: Readonly<Record<string, string | undefined>>,
  bins: string = checkoutBins,
): string[] {
  const finds = !existsSync(join(bins, "argocd")) || pathOfTheShell(env).includes(bins);
  return [
    `export KUBECONFIG=${shellQuoted(kubeconfig)}`,
    ...(finds ? [] : [`export PATH=${shellQuoted(bins)}:$PATH`]),
  ];
}

/** npm puts directories before the PATH of what it runs, up to its own; the user's next shell will not have them. */
function pathOfTheShell(env: Readonly<Record<string, string | undefined>>): string[] {
  const path = (env["PATH"] ?? "").split(delimiter);
  if (env["npm_command"] === undefined) return path;
  return path.slice(path.findLastIndex((directory) => directory.endsWith("node-gyp-bin")) + 1);
}

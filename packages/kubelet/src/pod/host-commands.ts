import type { Container } from "@tracegate/kube";
import { ConfigError } from "./environment.ts";

/** Where pods are not isolated, programs are those of the catalogue: every place where a manifest can bring another is refused. */
export function refuseHostCommands({
  command,
  lifecycle,
  livenessProbe,
  readinessProbe,
  startupProbe,
}: Container): void {
  const handlers = [lifecycle?.postStart, lifecycle?.preStop, livenessProbe, readinessProbe, startupProbe];
  if ((command ?? []).length === 0 && handlers.every((handler) => handler?.exec === undefined)) return;
  throw new ConfigError(
    "pods are not isolated on this node, so commands of manifests are not run: allow them with --allow-host-commands, " +
      "or map the image to a command in tracegate.yaml",
  );
}

/** Variables that have interpreters and loaders run, before the program or in it, what they name. */
const loadsCode =
  /^(NODE_OPTIONS|NODE_PATH|NODE_COMPILE_CACHE|LD_\w+|DYLD_\w+|GCONV_PATH|ENV|BASH_ENV|CURL_HOME|PYTHON\w+|PERL5?\w+|RUBY\w+|(_|JDK_)?JAVA_(TOOL_)?OPTIONS)$/;

/** With such a variable a manifest would bring a command by the back door. The image's own are the user's. */
export function refuseLoadedCode(
  env: Readonly<Record<string, string>>,
  imageEnv: Readonly<Record<string, string>>,
): void {
  const name = Object.keys(env).find((each) => loadsCode.test(each) && env[each] !== imageEnv[each]);
  if (name === undefined) return;
  throw new ConfigError(
    `pods are not isolated on this node, so ${name} of manifests is not taken, which can load other programs: allow it ` +
      "with --allow-host-commands, or set it for the image in tracegate.yaml",
  );
}

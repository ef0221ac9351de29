import type { CobraCommand } from "../cobra/command.ts";
import { command, type Plugin, PluginError } from "./plugin.ts";

/** What the original can and this does not do, refused by name with what to do in its place. */
export const refused: readonly CobraCommand<Plugin>[] = [
  refusal("create", "use kubectl create -f FILE"),
  refusal("create analysisrun", "apply an AnalysisRun with kubectl"),
  refusal("notifications", "nothing is sent: watch Events or the Rollout's status"),
];

function refusal(path: string, instead: string): CobraCommand<Plugin> {
  return command({
    path,
    args: [0, Number.POSITIVE_INFINITY],
    summary: `Not supported: ${instead}`,
    examples: [`kubectl argo rollouts ${path}`],
    flags: {},
    run: () => Promise.reject(new PluginError(`${path} is not supported by this plugin: ${instead}`)),
  });
}

import { AnalysisRun } from "@tracegate/analysis";
import { command } from "./plugin.ts";

export const terminate = command({
  path: "terminate analysisrun",
  aliases: ["ar", "analysisruns"],
  use: "ANALYSISRUN_NAME",
  summary: "End a running AnalysisRun",
  examples: ["kubectl argo rollouts terminate analysisrun hotrod-6c9d7b5f4d-2-1"],
  args: [1, Number.POSITIVE_INFINITY],
  async run(names, _flags, { client, namespace, io }) {
    for (const name of names) {
      const body = { spec: { terminate: true } };
      await client.patch(AnalysisRun, { namespace, name }, { type: "merge", body });
      io.out(`analysisRun '${name}' terminated\n`);
    }
    return 0;
  },
});

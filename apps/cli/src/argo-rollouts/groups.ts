import type { CobraGroup } from "../cobra/command.ts";

/** The program itself, and the words that are followed by what a command is about. */
export const groups: readonly CobraGroup[] = [
  {
    path: "",
    use: "COMMAND",
    summary: "See and steer Rollouts",
    examples: [
      "kubectl argo rollouts get rollout hotrod --watch",
      "kubectl argo rollouts promote hotrod",
      "kubectl argo rollouts abort hotrod",
      "kubectl argo rollouts retry rollout hotrod",
    ],
  },
  {
    path: "get",
    use: "<rollout|experiment> RESOURCE_NAME",
    summary: "Show a Rollout or an Experiment as a tree",
    examples: ["kubectl argo rollouts get rollout hotrod", "kubectl argo rollouts get rollout hotrod -w"],
  },
  {
    path: "list",
    use: "<rollout|experiment>",
    summary: "List Rollouts or Experiments",
    examples: ["kubectl argo rollouts list rollouts", "kubectl argo rollouts list rollouts -A --watch"],
  },
  {
    path: "retry",
    use: "<rollout|experiment> RESOURCE_NAME",
    summary: "Start an aborted Rollout or a failed Experiment again",
    examples: ["kubectl argo rollouts retry rollout hotrod"],
  },
  {
    path: "set",
    use: "COMMAND",
    summary: "Change a field of a Rollout",
    examples: ["kubectl argo rollouts set image hotrod hotrod=jaegertracing/example-hotrod:1.76.0"],
  },
  {
    path: "terminate",
    use: "<analysisrun|experiment> RESOURCE_NAME",
    summary: "End a running AnalysisRun or Experiment",
    examples: ["kubectl argo rollouts terminate analysisrun hotrod-6c9d7b5f4d-2-1"],
  },
];

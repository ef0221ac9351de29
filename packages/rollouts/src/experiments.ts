import { type CustomResourceDefinition, defineKind, type KubeObject } from "@tracegate/kube";

/** No more of it than its readers show: no controller here runs one. */
export interface Experiment extends KubeObject {
  spec: { duration?: string };
  status?: { phase?: string; message?: string; availableAt?: string };
}
export const Experiment = defineKind<Experiment>("argoproj.io/v1alpha1", "Experiment", "experiments");

/**
 * The kind is served since clients of Rollouts list and watch it beside them: the original's plugin waits for ever where
 * it is not there. Creating one is refused by name.
 */
export const experimentCrd: CustomResourceDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "experiments.argoproj.io" },
  spec: {
    group: "argoproj.io",
    scope: "Namespaced",
    names: {
      kind: "Experiment",
      plural: "experiments",
      singular: "experiment",
      listKind: "ExperimentList",
      shortNames: ["exp"],
    },
    versions: [
      {
        name: "v1alpha1",
        served: true,
        storage: true,
        additionalPrinterColumns: [
          { name: "Status", type: "string", jsonPath: ".status.phase", description: "Experiment status" },
          {
            name: "Age",
            type: "date",
            jsonPath: ".metadata.creationTimestamp",
            description: "Time since resource was created",
          },
        ],
        schema: {
          openAPIV3Schema: {
            type: "object",
            required: ["spec"],
            properties: {
              apiVersion: { type: "string" },
              kind: { type: "string" },
              metadata: { type: "object" },
              spec: {
                type: "object",
                "x-kubernetes-preserve-unknown-fields": true,
                "x-kubernetes-validations": [
                  {
                    rule: "false",
                    message: "Experiments are not run here: use analysis steps of a canary Rollout",
                  },
                ],
              },
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
      },
    ],
  },
};

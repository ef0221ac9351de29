import type { CustomResourceDefinition, JsonSchema } from "@tracegate/kube";
import { experimentCrd } from "./experiments.ts";

const text: JsonSchema = { type: "string" };
const int: JsonSchema = { type: "integer", format: "int32" };
const flag: JsonSchema = { type: "boolean" };
const open: JsonSchema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const intOrString: JsonSchema = { "x-kubernetes-int-or-string": true };
const object = (properties: Record<string, JsonSchema>, required?: string[]): JsonSchema => ({
  type: "object",
  properties,
  ...(required === undefined ? {} : { required }),
});
const listOf = (items: JsonSchema): JsonSchema => ({ type: "array", items });
const texts: JsonSchema = { type: "object", additionalProperties: text };
const podMetadata = object({ labels: texts, annotations: texts });
const analysisFields: Record<string, JsonSchema> = {
  templates: listOf(object({ templateName: text, clusterScope: flag })),
  args: listOf(
    object(
      {
        name: text,
        value: text,
        valueFrom: object({
          podTemplateHashValue: text,
          fieldRef: object({ fieldPath: text }, ["fieldPath"]),
        }),
      },
      ["name"],
    ),
  ),
  dryRun: listOf(object({ metricName: text }, ["metricName"])),
  measurementRetention: listOf(object({ metricName: text, limit: int }, ["limit", "metricName"])),
  analysisRunMetadata: podMetadata,
};
const analysis = object(analysisFields);
const step = object({
  setWeight: int,
  pause: object({ duration: intOrString }),
  analysis,
  experiment: {
    ...object({ templates: listOf({ ...open, required: ["name", "specRef"] }) }, ["templates"]),
    "x-kubernetes-preserve-unknown-fields": true,
  },
  setCanaryScale: object({ weight: int, replicas: int, matchTrafficWeight: flag }),
  setHeaderRoute: open,
  setMirrorRoute: open,
  plugin: object({ name: text, config: open }, ["name"]),
});
const canary = object({
  canaryService: text,
  stableService: text,
  steps: listOf(step),
  maxSurge: intOrString,
  maxUnavailable: intOrString,
  analysis: object({ ...analysisFields, startingStep: int }),
  canaryMetadata: podMetadata,
  stableMetadata: podMetadata,
  scaleDownDelaySeconds: int,
  scaleDownDelayRevisionLimit: int,
  abortScaleDownDelaySeconds: int,
  dynamicStableScale: flag,
  trafficRouting: open,
  pingPong: object({ pingService: text, pongService: text }, ["pingService", "pongService"]),
  antiAffinity: open,
  minPodsPerReplicaSet: int,
  replicaProgressThreshold: object({ type: text, value: int }, ["type", "value"]),
});
const blueGreen = object(
  {
    activeService: text,
    previewService: text,
    previewReplicaCount: int,
    autoPromotionEnabled: flag,
    autoPromotionSeconds: int,
    maxUnavailable: intOrString,
    scaleDownDelaySeconds: int,
    scaleDownDelayRevisionLimit: int,
    abortScaleDownDelaySeconds: int,
    prePromotionAnalysis: analysis,
    postPromotionAnalysis: analysis,
    antiAffinity: open,
    previewMetadata: podMetadata,
    activeMetadata: podMetadata,
  },
  ["activeService"],
);
const spec = object({
  replicas: int,
  selector: {
    ...object({
      matchLabels: texts,
      matchExpressions: listOf(
        object({ key: text, operator: text, values: listOf(text) }, ["key", "operator"]),
      ),
    }),
    "x-kubernetes-validations": [{ rule: "self == oldSelf", message: ".spec.selector is immutable" }],
  },
  template: open,
  workloadRef: object({ apiVersion: text, kind: text, name: text, scaleDown: text }),
  minReadySeconds: int,
  revisionHistoryLimit: int,
  progressDeadlineSeconds: int,
  progressDeadlineAbort: flag,
  paused: flag,
  restartAt: { type: "string", format: "date-time" },
  rollbackWindow: object({ revisions: int }),
  analysis: object({ successfulRunHistoryLimit: int, unsuccessfulRunHistoryLimit: int }),
  strategy: object({ canary, blueGreen }),
});

const column = (name: string, type: string, jsonPath: string, description: string) => ({
  name,
  type,
  jsonPath,
  description,
});

/** The CustomResourceDefinitions of the kinds that this package owns. */
export const crds: readonly CustomResourceDefinition[] = [
  {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "rollouts.argoproj.io" },
    spec: {
      group: "argoproj.io",
      scope: "Namespaced",
      names: {
        kind: "Rollout",
        plural: "rollouts",
        singular: "rollout",
        listKind: "RolloutList",
        shortNames: ["ro"],
      },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: ".spec.replicas",
              statusReplicasPath: ".status.HPAReplicas",
              labelSelectorPath: ".status.selector",
            },
          },
          additionalPrinterColumns: [
            column("Desired", "integer", ".spec.replicas", "Number of desired pods"),
            column(
              "Current",
              "integer",
              ".status.replicas",
              "Total number of non-terminated pods targeted by this rollout",
            ),
            column(
              "Up-to-date",
              "integer",
              ".status.updatedReplicas",
              "Total number of non-terminated pods targeted by this rollout that have the desired template spec",
            ),
            column(
              "Available",
              "integer",
              ".status.availableReplicas",
              "Total number of available pods (ready for at least minReadySeconds) targeted by this rollout",
            ),
            column("Age", "date", ".metadata.creationTimestamp", "Time since resource was created"),
          ],
          schema: {
            openAPIV3Schema: {
              type: "object",
              required: ["spec"],
              properties: { apiVersion: text, kind: text, metadata: { type: "object" }, spec, status: open },
            },
          },
        },
      ],
    },
  },
  experimentCrd,
];

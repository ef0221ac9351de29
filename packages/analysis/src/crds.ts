import type { CustomResourceDefinition, JsonSchema } from "@tracegate/kube";

const open: JsonSchema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const text: JsonSchema = { type: "string" };
const intOrString: JsonSchema = { "x-kubernetes-int-or-string": true };

const metric: JsonSchema = {
  type: "object",
  required: ["name", "provider"],
  properties: {
    name: text,
    interval: text,
    initialDelay: text,
    count: intOrString,
    successCondition: text,
    failureCondition: text,
    failureLimit: intOrString,
    inconclusiveLimit: intOrString,
    consecutiveErrorLimit: intOrString,
    consecutiveSuccessLimit: intOrString,
    provider: open,
  },
};
const content: Record<string, JsonSchema> = {
  metrics: { type: "array", items: metric },
  args: {
    type: "array",
    items: {
      type: "object",
      required: ["name"],
      properties: {
        name: text,
        value: text,
        valueFrom: {
          type: "object",
          properties: {
            secretKeyRef: {
              type: "object",
              required: ["key", "name"],
              properties: { name: text, key: text },
            },
            fieldRef: { type: "object", required: ["fieldPath"], properties: { fieldPath: text } },
            podTemplateHashValue: text,
          },
        },
      },
    },
  },
  dryRun: {
    type: "array",
    items: { type: "object", required: ["metricName"], properties: { metricName: text } },
  },
  measurementRetention: {
    type: "array",
    items: {
      type: "object",
      required: ["limit", "metricName"],
      properties: { metricName: text, limit: { type: "integer", format: "int32" } },
    },
  },
};
const templates: JsonSchema = {
  type: "array",
  items: { type: "object", properties: { templateName: text, clusterScope: { type: "boolean" } } },
};
const age = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since resource was created",
};
const ttl: JsonSchema = { type: "integer", format: "int32" };

function crd(
  kind: string,
  plural: string,
  shortNames: string[],
  spec: JsonSchema,
  options: { cluster?: boolean; status?: boolean } = {},
): CustomResourceDefinition {
  const phase = {
    name: "Status",
    type: "string",
    jsonPath: ".status.phase",
    description: "AnalysisRun status",
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.argoproj.io` },
    spec: {
      group: "argoproj.io",
      scope: options.cluster ? "Cluster" : "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List`, shortNames },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          // Argo serves no status subresource here: status is patched on the object itself.
          additionalPrinterColumns: options.status ? [phase, age] : [age],
          schema: {
            openAPIV3Schema: {
              type: "object",
              required: ["spec"],
              properties: {
                apiVersion: text,
                kind: text,
                metadata: { type: "object" },
                spec,
                ...(options.status ? { status: open } : {}),
              },
            },
          },
        },
      ],
    },
  };
}

const templateSpec: JsonSchema = { type: "object", properties: { ...content, templates } };

/** The CustomResourceDefinitions of the kinds that this package owns. */
export const crds: readonly CustomResourceDefinition[] = [
  crd("AnalysisTemplate", "analysistemplates", ["at"], templateSpec),
  crd("ClusterAnalysisTemplate", "clusteranalysistemplates", ["cat"], templateSpec, { cluster: true }),
  crd(
    "AnalysisRun",
    "analysisruns",
    ["ar"],
    {
      type: "object",
      required: ["metrics"],
      properties: {
        ...content,
        terminate: { type: "boolean" },
        ttlStrategy: {
          type: "object",
          properties: { secondsAfterCompletion: ttl, secondsAfterFailure: ttl, secondsAfterSuccess: ttl },
        },
      },
    },
    { status: true },
  ),
];

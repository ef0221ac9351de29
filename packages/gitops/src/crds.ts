import type { CustomResourceDefinition } from "@tracegate/kube";

type PrinterColumn = NonNullable<
  CustomResourceDefinition["spec"]["versions"][number]["additionalPrinterColumns"]
>[number];

const openObject = { type: "object", "x-kubernetes-preserve-unknown-fields": true } as const;

function definition(
  kind: string,
  plural: string,
  shortNames: string[],
  options: { status: boolean; columns: PrinterColumn[]; topLevel: string[] },
): CustomResourceDefinition {
  const properties = Object.fromEntries(options.topLevel.map((field) => [field, openObject]));
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.argoproj.io` },
    spec: {
      group: "argoproj.io",
      scope: "Namespaced",
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List`, shortNames },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", required: ["metadata", "spec"], properties } },
          ...(options.status ? { subresources: { status: {} } } : {}),
          ...(options.columns.length === 0 ? {} : { additionalPrinterColumns: options.columns }),
        },
      ],
    },
  };
}

const column = (name: string, jsonPath: string, priority?: number): PrinterColumn => ({
  name,
  type: "string",
  jsonPath,
  ...(priority === undefined ? {} : { priority }),
});

/** The definitions of Application, ApplicationSet and AppProject, with Argo CD's names and printer columns. */
export const crds: readonly CustomResourceDefinition[] = [
  definition("Application", "applications", ["app", "apps"], {
    // As upstream: no status subresource, the controller patches the whole object.
    status: false,
    topLevel: ["spec", "operation", "status"],
    columns: [
      column("Sync Status", ".status.sync.status"),
      column("Health Status", ".status.health.status"),
      column("Revision", ".status.sync.revision", 10),
      column("Project", ".spec.project", 10),
    ],
  }),
  definition("ApplicationSet", "applicationsets", ["appset", "appsets"], {
    status: true,
    topLevel: ["spec", "status"],
    columns: [],
  }),
  definition("AppProject", "appprojects", ["appproj", "appprojs"], {
    status: false,
    topLevel: ["spec", "status"],
    columns: [],
  }),
];

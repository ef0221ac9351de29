import { readFileSync } from "node:fs";
import { ProblemError } from "@tracegate/contracts";
import { Application, ApplicationSet } from "@tracegate/gitops";
import { apiVersionOf, type KubeObject, type ResourceClient } from "@tracegate/kube";
import { parseAllDocuments } from "yaml";

const kinds = [Application, ApplicationSet];

/** Reads the manifests that the configuration names. @throws ProblemError where one holds anything else. */
export function readApplications(files: readonly string[]): KubeObject[] {
  return files.flatMap((file) => {
    const documents = parseAllDocuments(readFileSync(file, "utf8"));
    if (!Array.isArray(documents)) return [];
    return documents.map((document) => {
      const value = document.errors.length > 0 ? undefined : (document.toJS() as Partial<KubeObject> | null);
      const known = kinds.find(
        (kind) => value?.apiVersion === apiVersionOf(kind) && value.kind === kind.kind,
      );
      const name = value?.metadata?.name;
      if (known === undefined || typeof name !== "string") {
        throw new ProblemError({
          code: "input/configuration",
          where: file,
          message:
            document.errors[0]?.message ?? `${value?.kind ?? "a document"} is not applied at the start`,
          expected: "Applications and ApplicationSets of argoproj.io/v1alpha1 with a name",
        });
      }
      // The API validates the rest.
      return { ...value, metadata: { namespace: "argocd", ...value?.metadata } } as KubeObject;
    });
  });
}

/** Applies them as one who applies the same files again would: fields of others are left alone. */
export async function applyApplications(
  client: ResourceClient,
  objects: readonly KubeObject[],
): Promise<void> {
  for (const body of objects) {
    const { namespace, name } = body.metadata;
    const kind = body.kind === Application.kind ? Application : ApplicationSet;
    const ref = { ...(namespace !== undefined && { namespace }), name };
    await client.patch<KubeObject>(
      kind,
      ref,
      { type: "apply", body },
      { fieldManager: "tracegate-up", force: true },
    );
  }
}

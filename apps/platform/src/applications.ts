import { readFileSync } from "node:fs";
import { ProblemError } from "@tracegate/contracts";
import { Application, ApplicationSet } from "@tracegate/gitops";
import { apiVersionOf, type KubeObject, type ResourceClient } from "@tracegate/kube";
import { type Document, parseAllDocuments } from "yaml";

const kinds = [Application, ApplicationSet];

/** Reads the manifests that the configuration names. @throws ProblemError where one holds anything else. */
export function readApplications(files: readonly string[]): KubeObject[] {
  return files.flatMap((file) => {
    const documents = parseAllDocuments(textOf(file));
    if (!Array.isArray(documents)) return [];
    return documents.map((document) => {
      const value = document.errors.length > 0 ? undefined : dataOf(document, file);
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

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
}

function dataOf(document: Document.Parsed, file: string): Partial<KubeObject> | null {
  try {
    return document.toJS() as Partial<KubeObject> | null; // what it is, the caller looks at
  } catch (error) {
    throw unreadable(file, error); // aliases of nothing, or of too much
  }
}

const unreadable = (file: string, error: unknown): ProblemError =>
  new ProblemError({
    code: "input/configuration",
    where: file,
    message: error instanceof Error ? error.message : String(error),
    expected: "a file of YAML manifests",
  });

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

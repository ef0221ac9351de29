import { AppProject } from "@tracegate/gitops";
import {
  CustomResourceDefinition,
  isAlreadyExists,
  type Kind,
  type KubeObject,
  Namespace,
  type ResourceClient,
} from "@tracegate/kube";

/** Defines the kinds, or brings the definitions of an earlier run up to date. */
export async function installKinds(
  client: ResourceClient,
  definitions: readonly CustomResourceDefinition[],
): Promise<void> {
  for (const definition of definitions) {
    await createOr(client, CustomResourceDefinition, definition, async () => {
      const { name } = definition.metadata;
      await client.patch(
        CustomResourceDefinition,
        { name },
        { type: "merge", body: { spec: definition.spec } },
      );
    });
  }
}

/** `argocd`, where Applications live, with the project that permits everything, as Argo CD installs it. */
export async function installNamespaces(client: ResourceClient): Promise<void> {
  const namespace = "argocd";
  const kept = async () => {};
  await createOr(
    client,
    Namespace,
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    kept,
  );
  await createOr(
    client,
    AppProject,
    {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "AppProject",
      metadata: { name: "default", namespace },
      spec: {
        sourceRepos: ["*"],
        destinations: [{ namespace: "*", server: "*" }],
        clusterResourceWhitelist: [{ group: "*", kind: "*" }],
      },
    },
    kept,
  );
}

async function createOr<T extends KubeObject>(
  client: ResourceClient,
  kind: Kind<T>,
  object: T,
  exists: () => Promise<void>,
): Promise<void> {
  try {
    await client.create(kind, object);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    await exists();
  }
}

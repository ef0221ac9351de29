import { ApplicationSet } from "@tracegate/gitops";
import { Namespace, type ResourceClient } from "@tracegate/kube";
import { parse } from "yaml";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Hands an example to GitOps as `kubectl apply` would: the ApplicationSet is applied, all else comes out of Git. Whoever
 * applies the mended manifest goes on from there, and fields that it no longer has go.
 */
export async function applyAppset(client: ResourceClient, manifest: string): Promise<void> {
  const fieldManager = "kubectl-client-side-apply";
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "argocd" } };
  await client.patch(Namespace, { name: "argocd" }, { type: "apply", body }, { fieldManager });
  // Our own example, which the repository has just written.
  const appset = parse(manifest) as ApplicationSet;
  const annotations = { ...appset.metadata.annotations, [lastApplied]: `${JSON.stringify(appset)}\n` };
  await client.create(
    ApplicationSet,
    { ...appset, metadata: { ...appset.metadata, annotations } },
    { fieldManager },
  );
}

import { crds as analysisCrds } from "@tracegate/analysis";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { VirtualScheduler } from "@tracegate/controller-runtime";
import { CustomResourceDefinition, Namespace, type ResourceClient } from "@tracegate/kube";
import { crds, Rollout } from "@tracegate/rollouts";
import { memoryStore } from "@tracegate/store";

/** An API in memory with one Rollout, `web` in the namespace `shop`, which no controller looks after. */
export async function shopWorld(): Promise<{ client: ResourceClient; scheduler: VirtualScheduler }> {
  const scheduler = new VirtualScheduler(Date.parse("2030-01-01T00:00:00Z"));
  const client = embeddedClient(createApi({ store: memoryStore(), clock: scheduler }));
  for (const crd of [...crds, ...analysisCrds]) await client.create(CustomResourceDefinition, crd);
  await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  await client.create(Rollout, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "web" } },
      strategy: { canary: { steps: [{ setWeight: 50 }] } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          containers: [
            { name: "c", image: "web:1" },
            { name: "side", image: "side:1" },
          ],
        },
      },
    },
  });
  return { client, scheduler };
}

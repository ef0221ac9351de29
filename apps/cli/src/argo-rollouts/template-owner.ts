import {
  Deployment,
  type Kind,
  type KubeObject,
  type PodTemplateSpec,
  type ResourceClient,
} from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";
import { PluginError } from "./plugin.ts";

/** An object whose pod template a Rollout releases. */
interface WithTemplate extends KubeObject {
  readonly spec: { readonly template?: PodTemplateSpec };
}

/** Where the template of a Rollout is changed: in itself, or in the Deployment that its workloadRef names. */
export interface TemplateOwner {
  readonly kind: Kind<WithTemplate>;
  readonly object: WithTemplate;
}

export async function templateOwner(client: ResourceClient, rollout: Rollout): Promise<TemplateOwner> {
  const { workloadRef } = rollout.spec;
  if (workloadRef === undefined) return { kind: Rollout, object: rollout };
  const { kind, name = "" } = workloadRef;
  if (kind !== "Deployment") throw new PluginError(`workload of type ${kind ?? ""} is not supported`);
  const ref = { namespace: rollout.metadata.namespace ?? "", name };
  return { kind: Deployment, object: await client.get(Deployment, ref) };
}

import {
  ConfigMap,
  isNotFound,
  type KubeObject,
  type Pod,
  type ResourceClient,
  Secret,
  Service,
} from "@tracegate/kube";
import { type ConfigSources, serviceVariables } from "./environment.ts";
import { referredConfig } from "./volume-plan.ts";

/** The ConfigMaps and Secrets that a pod refers to, as far as they are there. */
export async function readConfigSources(client: ResourceClient, pod: Pod): Promise<ConfigSources> {
  const { configMaps, secrets } = referredConfig(pod);
  const namespace = pod.metadata.namespace ?? "default";
  const read = async <T extends KubeObject>(kind: typeof ConfigMap | typeof Secret, names: Set<string>) => {
    const found = new Map<string, T>();
    for (const name of names) {
      try {
        found.set(name, (await client.get(kind, { namespace, name })) as KubeObject as T);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return found;
  };
  const foundMaps = await read<ConfigMap>(ConfigMap, configMaps);
  const foundSecrets = await read<Secret>(Secret, secrets);
  return { configMap: (name) => foundMaps.get(name), secret: (name) => foundSecrets.get(name) };
}

/** The variables that tell a pod of the services that are there when it starts. */
export async function readServiceVariables(
  client: ResourceClient,
  pod: Pod,
): Promise<Record<string, string>> {
  const namespace = pod.metadata.namespace ?? "default";
  const all = pod.spec.enableServiceLinks === false ? [] : (await client.list(Service, { namespace })).items;
  const api = all.some(({ metadata }) => metadata.name === "kubernetes" && metadata.namespace === "default")
    ? []
    : (await client.list(Service, { namespace: "default", fieldSelector: "metadata.name=kubernetes" })).items;
  return serviceVariables(
    [...all, ...api].flatMap(({ metadata, spec }) =>
      spec.clusterIP === undefined || spec.clusterIP === "" || spec.clusterIP === "None"
        ? []
        : [
            {
              name: metadata.name,
              clusterIP: spec.clusterIP,
              ports: (spec.ports ?? []).map(({ name, port, protocol = "TCP" }) => ({
                ...(name === undefined ? {} : { name }),
                port,
                protocol,
              })),
            },
          ],
    ),
  );
}

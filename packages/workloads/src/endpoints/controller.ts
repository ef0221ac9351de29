import type { Controller } from "@tracegate/controller-runtime";
import {
  apiVersionOf,
  EndpointSlice,
  isNotFound,
  jsonEqual,
  matchesLabelSelector,
  type ObjectMeta,
  Pod,
  type Ref,
  type ResourceClient,
  Service,
  undefinedIfNotFound,
} from "@tracegate/kube";
import type { WorkloadDependencies } from "../dependencies.ts";
import { controllerReference } from "../pods/from-template.ts";
import { Endpoints } from "./endpoints-kind.ts";
import { endpointsOf, hasPodEndpoints, MANAGED_BY, OUR_NAME, planSlices, SERVICE_NAME } from "./plan.ts";

/** Keeps the addresses behind each Service: as EndpointSlices and, for older clients, as Endpoints. */
export function endpointsController({ client }: Pick<WorkloadDependencies, "client">): Controller<Service> {
  return {
    name: "endpoints",
    kind: Service,
    watches: [
      { kind: Pod, map: ({ metadata }) => servicesOf(client, metadata) },
      {
        kind: EndpointSlice,
        map: ({ metadata }) =>
          metadata.labels?.[MANAGED_BY] === OUR_NAME
            ? [refIn(metadata.namespace, metadata.labels[SERVICE_NAME] ?? "")]
            : [],
      },
    ],
    async reconcile(ref) {
      const service = await client.get(Service, ref).catch(undefinedIfNotFound);
      if (service === undefined) {
        // Slices go with their owner; Endpoints have none.
        const endpoints = await client.get(Endpoints, ref).catch(undefinedIfNotFound);
        if (endpoints !== undefined) await client.delete(Endpoints, ref).catch(undefinedIfNotFound);
        return undefined;
      }
      if (!hasPodEndpoints(service) || service.metadata.deletionTimestamp !== undefined) return undefined;
      const inNamespace = ref.namespace === undefined ? {} : { namespace: ref.namespace };
      const pods = (await client.list(Pod, inNamespace)).items;
      await writeSlices(client, service, pods);
      await writeEndpoints(client, service, pods);
      return undefined;
    },
  };
}

const refIn = (namespace: string | undefined, name: string): Ref => ({
  ...(namespace !== undefined && { namespace }),
  name,
});

async function servicesOf(
  client: ResourceClient,
  { namespace, labels }: ObjectMeta,
): Promise<readonly Ref[]> {
  const services = await client.list(Service, namespace === undefined ? {} : { namespace });
  return services.items
    .filter(
      (service) =>
        hasPodEndpoints(service) &&
        matchesLabelSelector({ matchLabels: service.spec.selector ?? {} }, labels),
    )
    .map((service) => refIn(namespace, service.metadata.name));
}

async function writeSlices(client: ResourceClient, service: Service, pods: readonly Pod[]): Promise<void> {
  const { name, namespace } = service.metadata;
  const labels = { ...service.metadata.labels, [SERVICE_NAME]: name, [MANAGED_BY]: OUR_NAME };
  const existing = await client.list(EndpointSlice, {
    ...(namespace !== undefined && { namespace }),
    labelSelector: `${SERVICE_NAME}=${name},${MANAGED_BY}=${OUR_NAME}`,
  });
  const alive = existing.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const plan = planSlices(service, pods, alive);
  for (const slice of plan.create) {
    await client.create(EndpointSlice, {
      apiVersion: apiVersionOf(EndpointSlice),
      kind: EndpointSlice.kind,
      metadata: {
        name: "",
        generateName: `${name}-`,
        ...(namespace !== undefined && { namespace }),
        labels,
        ownerReferences: [controllerReference(Service, service)],
      },
      ...slice,
    });
  }
  for (const slice of plan.update) await client.update(EndpointSlice, slice);
  for (const slice of plan.delete) {
    await client.delete(EndpointSlice, refIn(namespace, slice.metadata.name)).catch(undefinedIfNotFound);
  }
}

async function writeEndpoints(client: ResourceClient, service: Service, pods: readonly Pod[]): Promise<void> {
  const wanted = endpointsOf(service, pods);
  const { name, namespace } = service.metadata;
  try {
    const current = await client.get(Endpoints, refIn(namespace, name));
    const { subsets: _, ...rest } = current;
    if (
      jsonEqual(current.subsets ?? [], wanted.subsets ?? []) &&
      jsonEqual(current.metadata.labels ?? {}, wanted.metadata.labels ?? {})
    ) {
      return;
    }
    const metadata = { ...current.metadata, labels: wanted.metadata.labels ?? {} };
    await client.update(Endpoints, { ...rest, metadata, ...(wanted.subsets && { subsets: wanted.subsets }) });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(Endpoints, { apiVersion: "v1", kind: "Endpoints", ...wanted });
  }
}

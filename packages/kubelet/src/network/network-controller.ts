import type { Controller } from "@tracegate/controller-runtime";
import { EndpointSlice, type KubeObject, Pod, type Ref, type ResourceClient, Service } from "@tracegate/kube";
import type { NetworkConfig, Sandbox } from "../sandbox.ts";
import { networkConfig } from "./cluster-records.ts";
import type { NodePorts } from "./node-ports.ts";

/** How often a node port that another program holds is tried again. */
const retryNodePortsMs = 5000;

/** Keeps DNS, the service proxy and node ports in step with Services and their endpoints. */
export function networkController(options: {
  client: ResourceClient;
  sandbox: Pick<Sandbox, "setNetwork">;
  nodePorts: NodePorts;
  outsideNames: () => ReadonlyMap<string, string>;
}): Controller<Service> {
  const { client, sandbox, nodePorts, outsideNames } = options;
  let sent = "";
  let work: Promise<void> | undefined;
  let again = false;
  let unserved = 0;

  const publish = async () => {
    const [services, slices, pods] = await Promise.all([
      client.list(Service),
      client.list(EndpointSlice),
      client.list(Pod),
    ]);
    const config: NetworkConfig = networkConfig(services.items, slices.items, pods.items, outsideNames());
    const text = JSON.stringify(config);
    if (text !== sent) {
      await sandbox.setNetwork(config);
      sent = text;
    }
    ({ unserved } = await nodePorts.update(services.items));
  };

  // The whole is published at once, so what changes while it is being published calls for one more time, not for many.
  const publishSoon = async (): Promise<void> => {
    if (work !== undefined) {
      again = true;
      return work;
    }
    work = (async () => {
      do {
        again = false;
        await publish();
      } while (again);
    })().finally(() => {
      work = undefined;
    });
    return work;
  };

  return {
    name: "service-network",
    kind: Service,
    watches: [
      { kind: EndpointSlice, map: serviceOfSlice },
      // A pod's own name in DNS; any key will do.
      {
        kind: Pod,
        map: (object: KubeObject) => ((object as Pod).status?.podIP === undefined ? [] : [podNames]),
      },
    ],
    async reconcile() {
      await publishSoon();
      return unserved > 0 ? { requeueAfterMs: retryNodePortsMs } : undefined;
    },
  };
}

const podNames: Ref = { namespace: "kube-system", name: "pod-names" };

function serviceOfSlice({ metadata }: KubeObject): Ref[] {
  const name = metadata.labels?.["kubernetes.io/service-name"];
  return name === undefined
    ? []
    : [{ ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }), name }];
}

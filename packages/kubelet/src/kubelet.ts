import type { Clock, ClusterNetwork } from "@tracegate/contracts";
import { type Controller, type EventRecorder, type Log, silentLog } from "@tracegate/controller-runtime";
import type { ResourceClient } from "@tracegate/kube";
import type { ImageCatalogue } from "./image-catalogue.ts";
import { logReader } from "./logs/log-reader.ts";
import { type PodAccess, podAccess } from "./logs/pod-access.ts";
import { clusterNetwork } from "./network/control-plane-network.ts";
import { networkController } from "./network/network-controller.ts";
import { NodePorts } from "./network/node-ports.ts";
import { type PlatformService, PlatformServices, type ResolveHost } from "./network/platform-services.ts";
import { type NodeFacts, nodeController, thisMachine } from "./node-object.ts";
import { podController } from "./pod/pod-controller.ts";
import type { TokenSource } from "./pod/volume-plan.ts";
import type { Sandbox } from "./sandbox.ts";

export interface KubeletOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly sandbox: Sandbox;
  readonly catalogue: ImageCatalogue;
  readonly stateDir: string;
  /** Issues service account tokens for projected volumes; without it pods that ask for one wait with `FailedMount`. */
  readonly tokens?: TokenSource;
  /**
   * Whether manifests may bring commands of their own. In a sandbox that isolates nothing, a command is run as this
   * user with all that the user may do; programs of the catalogue were chosen by the user. Default: true.
   */
  readonly allowHostCommands?: boolean;
  readonly log?: Log;
  readonly node?: NodeFacts;
  /** Where node ports listen; loopback unless told otherwise. */
  readonly nodePortHost?: string;
  /** How hosts outside are found; as the machine finds them unless told otherwise. */
  readonly resolveHost?: ResolveHost;
}

export interface Kubelet {
  /** To be started with the others by `startControllers`. */
  readonly controllers: readonly Controller[];
  /** For `kubectl logs`, `exec` and `port-forward`. */
  readonly podAccess: PodAccess;
  /** Cluster names and addresses for the control plane's own clients. */
  readonly network: ClusterNetwork;
  registerPlatformService(service: PlatformService): Promise<{ ip: string }>;
  /** Lets pods reach a port of the host's loopback, as `host.tracegate.internal:PORT`. */
  exposeHostPort(port: number): Promise<void>;
  /** Lets pods reach a port of a host outside, by its name. Before the controllers start: they publish the name. */
  allowEgress(host: string, port: number): Promise<void>;
  /** Ends what this process does for the node. `pods: "end"` ends the pods too, else they wait for the next control plane. */
  stop(options: { pods: "end" | "keep" }): Promise<void>;
}

/** The node: made of a sandbox that runs processes, and controllers that tell it what to run. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const { client, clock, events, sandbox, catalogue, stateDir, tokens, log = silentLog } = options;
  const node = options.node ?? thisMachine();
  const logs = logReader({ stateDir, clock });
  const pods = podController({
    ...{ client, clock, events, sandbox, catalogue, logs, stateDir, node, log },
    allowHostCommands: options.allowHostCommands ?? true,
    ...(tokens === undefined ? {} : { tokens }),
  });
  const nodePorts = new NodePorts({
    ...{ sandbox, events },
    ...(options.nodePortHost === undefined ? {} : { host: options.nodePortHost }),
  });
  const platform = new PlatformServices(client, sandbox, options.resolveHost);
  return {
    controllers: [
      nodeController({ client, clock, facts: node }),
      pods,
      networkController({ client, sandbox, nodePorts, outsideNames: () => platform.outsideNames }),
    ],
    podAccess: podAccess({ client, sandbox, logs }),
    network: clusterNetwork({ client, sandbox }),
    registerPlatformService: (service) => platform.register(service),
    exposeHostPort: (port) => platform.exposeHostPort(port),
    allowEgress: (host, port) => platform.allowEgress(host, port),
    async stop(how) {
      pods.stop();
      nodePorts.close();
      await platform.close();
      if (how.pods === "end") await sandbox.shutdown();
      else sandbox.detach();
    },
  };
}

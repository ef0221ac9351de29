/** Where the programs of pods are met that have no network of their own. */
export interface PodPlaces {
  /** The address that a pod's programs are told to listen on. */
  bindAddress(podIP: string): string;
  /** Where a port of a pod is met; undefined where nothing listens for sure. */
  locate(podIP: string, port: number): Place | undefined;
  /** Before the pod's programs start. `ports` are those that its containers declare. */
  add(podIP: string, ports: readonly number[]): Promise<void>;
  remove(podIP: string): void;
  /** What a container's programs are told of it. */
  environment(podIP: string, ports: DeclaredPorts): Readonly<Record<string, string>>;
}

export interface DeclaredPorts {
  readonly ofPod: readonly number[];
  readonly ofContainer: readonly number[];
  /** `$PORT` as the manifest or the image sets it. */
  readonly given: string | undefined;
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * Linux answers on all of 127.0.0.0/8: each pod has an address of its own there. The API knows the pod by an address of
 * the pod network, because endpoints must not be loopback addresses.
 */
export const manyAddresses: PodPlaces = {
  bindAddress: (podIP) => podIP.replace(/^10\.244\./, "127.244."),
  locate: (podIP, port) => ({ host: manyAddresses.bindAddress(podIP), port }),
  add: async () => {},
  remove: () => {},
  environment: (_, ports) => portVariables(ports, (port) => port),
};

/**
 * Which port to listen on in place of each declared one: `$TRACEGATE_PORT_8080`, and `$PORT`, as many programs know it, in a
 * container that declares one port. A `$PORT` that is given and none of the declared ports is left alone.
 */
export function portVariables(
  { ofPod, ofContainer, given }: DeclaredPorts,
  real: (port: number) => number | undefined,
): Readonly<Record<string, string>> {
  const single = ofContainer.length === 1 ? ofContainer[0] : undefined;
  const main = given === undefined ? single : ofContainer.find((port) => String(port) === given);
  const variables = [
    ...ofPod.map((port) => [`TRACEGATE_PORT_${port}`, real(port)] as const),
    ["PORT", main === undefined ? undefined : real(main)] as const,
  ];
  return Object.fromEntries(
    variables.flatMap(([name, port]) => (port === undefined ? [] : [[name, String(port)]])),
  );
}

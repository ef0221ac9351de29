/** Where the programs of pods are met that have no network of their own. */
export interface PodPlaces {
  /** The address that a pod's programs are told to listen on. */
  bindAddress(podIP: string): string;
  /** Where a port of a pod is met; undefined where nothing listens for sure. */
  locate(podIP: string, port: number): Place | undefined;
  /** Before the pod's programs start. `ports` are those that its containers declare. */
  add(podIP: string, ports: readonly number[]): Promise<void>;
  remove(podIP: string): void;
  /** What a container's programs are told of it; `ports` are its own. */
  environment(
    podIP: string,
    ports: readonly number[],
    given: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>>;
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
  environment: (_, ports, given) => portVariable(ports, given, (port) => port),
};

/**
 * `$PORT` of a container with one port, as many programs know it; one that the manifest sets to another number is the
 * manifest's business.
 */
export function portVariable(
  ports: readonly number[],
  { PORT: given }: Readonly<Record<string, string>>,
  real: (port: number) => number | undefined,
): Readonly<Record<string, string>> {
  const [only] = ports.length === 1 ? ports : [];
  const port = given === undefined ? only : ports.find((declared) => String(declared) === given);
  const found = port === undefined ? undefined : real(port);
  return found === undefined ? {} : { PORT: String(found) };
}

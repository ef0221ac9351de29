import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { type PodPlaces, portVariables } from "./pod-places.ts";

const address = "127.0.0.1";

/**
 * Where 127.0.0.1 is the only address of the loopback, as on macOS, all pods share its ports: a port of a pod is another
 * one of the machine. `directory` holds what stands for what, in a directory for each pod by its address:
 *
 * - `8080`, written by `pod-network.cjs` in a Node program that listens there: the real port, and whose socket it is (a
 *   PID). It counts while that process lives.
 * - `declared.json`: the real ports that programs which are not Node are told to take instead of declared ones.
 */
export function oneAddress(directory: string, firstBlock: number): PodPlaces {
  const free = freePorts(address, firstBlock);
  const declared = new Map<string, Readonly<Record<number, number>>>();

  return {
    bindAddress: () => address,
    locate(podIP, port) {
      const real = portInUse(join(directory, podIP, String(port))) ?? declared.get(podIP)?.[port];
      return real === undefined ? undefined : { host: address, port: real };
    },
    async add(podIP, ofPod) {
      const real: Record<number, number> = {};
      for (const port of new Set(ofPod)) real[port] = await free.take();
      declared.set(podIP, real);
      mkdirSync(join(directory, podIP), { recursive: true });
      writeFileSync(join(directory, podIP, "declared.json"), JSON.stringify(real));
    },
    remove(podIP) {
      for (const port of Object.values(declared.get(podIP) ?? {})) free.giveBack(port);
      declared.delete(podIP);
      rmSync(join(directory, podIP), { recursive: true, force: true });
    },
    environment(podIP, ofPod) {
      const real = declared.get(podIP) ?? {};
      return { ...portVariables(ofPod, (port) => real[port]), TRACEGATE_PORTS: directory };
    },
  };
}

/** The real port that a file tells of, while the process that it tells of lives. */
function portInUse(file: string): number | undefined {
  try {
    const [port, pid] = readFileSync(file, "utf8").split(" ").map(Number);
    if (port === undefined || pid === undefined || !(pid > 0)) return undefined;
    process.kill(pid, 0);
    return port;
  } catch {
    return undefined;
  }
}

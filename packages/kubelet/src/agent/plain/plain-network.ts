import { randomBytes } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DnsRecords } from "../protocol.ts";
import { type PodIdentity, startHttpProxy } from "./http-proxy.ts";
import { LoopbackReach } from "./loopback-reach.ts";
import type { PodPlaces } from "./pod-places.ts";

/** What pods without a network of their own find each other by. */
export interface PlainNetwork {
  readonly reach: LoopbackReach;
  readonly places: PodPlaces;
  setRecords(records: Readonly<Record<string, DnsRecords>>): void;
  /** Names and forwards, written anew with every change; read by `pod-network.cjs` in Node programs. */
  readonly file: string;
  /** A proxy URL for one pod's programs; what it asks for is resolved as in the pod's namespace. */
  proxyFor(pod: PodIdentity): string;
  forget(uid: string): void;
}

export async function startPlainNetwork(runtimeDir: string, places: PodPlaces): Promise<PlainNetwork> {
  const file = join(runtimeDir, "network.json");
  let records: Readonly<Record<string, DnsRecords>> = {};
  const publish = () => {
    writeFileSync(`${file}.new`, JSON.stringify({ records, forwards: reach.forwards }));
    renameSync(`${file}.new`, file);
  };
  const reach = new LoopbackReach(places, publish);
  const secrets = new Map<string, PodIdentity>();
  const port = await startHttpProxy({
    podOf: (secret) => secrets.get(secret),
    records: () => records,
    reach,
  });
  publish();
  return {
    ...{ reach, places, file },
    setRecords(next) {
      records = next;
      publish();
    },
    proxyFor(pod) {
      const secret = randomBytes(12).toString("hex");
      secrets.set(secret, pod);
      return `http://pod:${secret}@127.0.0.1:${port}`;
    },
    forget(uid) {
      for (const [secret, pod] of secrets) if (pod.uid === uid) secrets.delete(secret);
    },
  };
}

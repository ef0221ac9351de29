import type { AddressInfo, Server } from "node:net";
import type { Reach } from "../reach.ts";
import { listening } from "../relay.ts";
import type { Place, PodPlaces } from "./pod-places.ts";

/** Addresses of services and of the platform: where nobody listens, nothing answers. */
const isVirtual = /^10\.(96|244\.255)\./;
const isPod = /^10\.244\./;

/** Without a network of its own the agent listens on free ports of the loopback, and says which stand for what. */
export class LoopbackReach implements Reach {
  readonly #pods: PodPlaces;
  readonly #ports = new Map<string, number>();
  readonly #onChange: () => void;

  constructor(pods: PodPlaces, onChange: () => void) {
    this.#pods = pods;
    this.#onChange = onChange;
  }

  async listen(server: Server, ip: string, port: number): Promise<void> {
    await listening(server, "127.0.0.1", 0);
    const key = `${ip}:${port}`;
    const { port: own } = server.address() as AddressInfo; // a TCP server's
    this.#ports.set(key, own);
    server.once("close", () => {
      if (this.#ports.get(key) === own) this.#forget(key);
    });
    this.#onChange();
  }

  #forget(key: string): void {
    this.#ports.delete(key);
    this.#onChange();
  }

  locate(ip: string, port: number): Place | undefined {
    const own = this.#ports.get(`${ip}:${port}`);
    if (own !== undefined) return { host: "127.0.0.1", port: own };
    if (isVirtual.test(ip)) return undefined;
    return isPod.test(ip) ? this.#pods.locate(ip, port) : { host: ip, port };
  }

  /** `10.96.0.7:80` → port of 127.0.0.1. */
  get forwards(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#ports);
  }
}

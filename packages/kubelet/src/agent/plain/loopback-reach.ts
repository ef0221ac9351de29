import type { AddressInfo, Server } from "node:net";
import type { Reach } from "../reach.ts";
import { listening } from "../relay.ts";

/** Addresses of services and of the platform: where nobody listens, nothing answers. */
const isVirtual = /^10\.(96|244\.255)\./;

/**
 * Where a pod's programs really listen: Linux answers on all of 127.0.0.0/8. The API knows the pod by an address of the
 * pod network, because endpoints must not be loopback addresses.
 */
export const bindAddress = (podIP: string): string => podIP.replace(/^10\.244\./, "127.244.");

/** Without a network of its own the agent listens on free ports of the loopback, and says which stand for what. */
export class LoopbackReach implements Reach {
  readonly #ports = new Map<string, number>();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
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

  locate(ip: string, port: number): { host: string; port: number } | undefined {
    const own = this.#ports.get(`${ip}:${port}`);
    if (own !== undefined) return { host: "127.0.0.1", port: own };
    return isVirtual.test(ip) ? undefined : { host: bindAddress(ip), port };
  }

  /** `10.96.0.7:80` → port of 127.0.0.1. */
  get forwards(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#ports);
  }
}

import type { Server, Socket } from "node:net";
import { goDialError } from "../network/go-errors.ts";
import { dialTcp, listening } from "./relay.ts";

/** How the cluster's addresses are met on this machine. */
export interface Reach {
  /** Listens where a connection to ip:port comes out. */
  listen(server: Server, ip: string, port: number): Promise<void>;
  /** Where a connection to ip:port goes; undefined where it is refused. */
  locate(ip: string, port: number): { readonly host: string; readonly port: number } | undefined;
}

/** In a network namespace of the agent's own every address of the cluster is a real one. */
export const directReach: Reach = { listen: listening, locate: (host, port) => ({ host, port }) };

export function dialInside(reach: Reach, ip: string, port: number): Promise<Socket> {
  const at = reach.locate(ip, port);
  if (at !== undefined) return dialTcp(ip, port, at);
  return Promise.reject(goDialError(ip, port, Object.assign(new Error("refused"), { code: "ECONNREFUSED" })));
}

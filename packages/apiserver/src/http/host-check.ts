import type { IncomingMessage } from "node:http";
import { foreignCaller, isLoopbackName } from "@tracegate/contracts";

/**
 * Why a request may come from a web page of somebody else, which this server does not answer; undefined when it does
 * not. Browsers add a certificate by themselves, but let no page of another site set this header.
 */
export function foreignRequest(request: IncomingMessage, hosts: readonly string[]): string | undefined {
  const { method, url, rawHeaders, headers } = request;
  const told = headers.authorization === undefined ? headers : { host: headers.host };
  const isOurs = (name: string) => isLoopbackName(name) || hosts.includes(name);
  return foreignCaller({ method, url, rawHeaders, headers: told }, isOurs);
}

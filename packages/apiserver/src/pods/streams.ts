import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "@tracegate/contracts";
import type { Status, StatusError } from "@tracegate/kube";
import { badRequest, notServed } from "../core/refusals.ts";
import { statusOf } from "../http/answers.ts";
import type { ResourcePath } from "../http/request-info.ts";
import type { PodAccess } from "./pod-access.ts";
import { isTunnel, serveSpdyPortForward, serveTunnel } from "./port-forward-tunnel.ts";
import { serveRemoteCommand } from "./remote-command.ts";
import { commandStreams, isSpdy } from "./spdy-streams.ts";
import { commandChannels, servePortForward, type Upgrade } from "./websocket-channels.ts";

/** Takes over the connection of an upgrade request to a pod, by a user who may; rejects with what to refuse it with. */
export function serveStreams(
  pods: PodAccess,
  clock: Clock,
  path: ResourcePath,
  query: URLSearchParams,
  upgrade: Upgrade,
): Promise<void> {
  const overSpdy = isSpdy(upgrade.request);
  if (!overSpdy && upgrade.request.headers.upgrade?.toLowerCase() !== "websocket") throw upgradeRequired();
  switch (path.subresource) {
    case "exec":
    case "attach":
      return serveRemoteCommand(pods, path, query, (streams) =>
        overSpdy ? commandStreams(upgrade, streams, clock) : commandChannels(upgrade, streams),
      );
    case "portforward":
      if (overSpdy) return serveSpdyPortForward(pods, path, upgrade);
      if (isTunnel(upgrade.request)) return serveTunnel(pods, path, upgrade);
      return servePortForward(pods, path, query, upgrade);
    default:
      throw notServed();
  }
}

/** Refuses an upgrade with an ordinary HTTP answer. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const status: Status = statusOf(error);
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${STATUS_CODES[status.code] ?? "Error"}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

export const upgradeRequired = (): StatusError =>
  badRequest("Upgrade request required: streams of pods go over WebSockets or SPDY/3.1");

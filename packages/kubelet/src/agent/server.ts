import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "@tracegate/contracts";
import { execToEnd, serveAttach, serveExec } from "./exec.ts";
import { readFirstLine, readJsonLines, writeJsonLine } from "./json-lines.ts";
import type { Pods } from "./pods.ts";
import {
  type AgentEvent,
  type AgentMethods,
  agentProtocolVersion,
  type Hello,
  type HelloAnswer,
  type NetworkConfig,
  type Request,
  type SandboxKind,
} from "./protocol.ts";
import { dialInside, type Reach } from "./reach.ts";
import { forwarder, joinSockets } from "./relay.ts";
import { ServiceProxy } from "./service-proxy.ts";

type Handlers = {
  [M in keyof AgentMethods]: (
    params: Parameters<AgentMethods[M]>[0],
  ) => Promise<ReturnType<AgentMethods[M]>> | ReturnType<AgentMethods[M]>;
};

/** The agent's face to the control plane. */
export interface AgentServer {
  send(event: AgentEvent): void;
}

export async function startAgentServer(options: {
  socketPath: string;
  sandbox: SandboxKind;
  pods: Pods;
  clock: Clock;
  reach: Reach;
  /** Told of every change of the cluster's names. */
  setRecords: (records: NetworkConfig["records"]) => void;
  log: (message: string) => void;
  /** A control plane is there. */
  onControl: () => void;
  /** The last control connection is gone; the agent may live on for `graceMs`. */
  onAlone: (graceMs: number) => void;
  onShutdown: () => void;
}): Promise<AgentServer> {
  const { pods, clock, reach, log } = options;
  let control: Socket | undefined;
  const proxy = new ServiceProxy(reach, log);
  const listeners = new Map<string, Server>();

  const handlers: Handlers = {
    startPod: (spec) => pods.start(spec),
    startContainer: (spec) => pods.startContainer(spec),
    stopContainer: async ({ podUid, container, graceMs }) => {
      await pods.stopContainer(podUid, container, graceMs);
      return null;
    },
    removePod: async ({ podUid }) => {
      await pods.remove(podUid);
      return null;
    },
    writeVolume: async ({ podUid, volume, files }) => {
      await pods.writeVolume(podUid, volume, files);
      return null;
    },
    exec: (request) => execToEnd(pods, request),
    list: () => pods.list(),
    enforcement: () => pods.enforcement,
    setNetwork: async (config) => {
      options.setRecords(config.records);
      await proxy.update(config.services);
      return null;
    },
    listen: async ({ ip, port, unixPath }) => {
      listeners.get(`${ip}:${port}`)?.close();
      const server = forwarder(unixPath);
      await reach.listen(server, ip, port);
      listeners.set(`${ip}:${port}`, server);
      return null;
    },
    unlisten: ({ ip, port }) => {
      listeners.get(`${ip}:${port}`)?.close();
      listeners.delete(`${ip}:${port}`);
      return null;
    },
    shutdown: () => {
      options.onShutdown();
      return null;
    },
  };

  const serveControl = (socket: Socket, graceMs: number) => {
    control?.destroy();
    control = socket;
    options.onControl();
    socket.once("end", () => socket.destroy());
    socket.once("close", () => {
      if (control !== socket) return;
      control = undefined;
      options.onAlone(graceMs);
    });
    readJsonLines(socket, (value) => {
      // The control plane's own message, on a socket only its user can open.
      const { id, method, params } = value as Request;
      const handler = handlers[method] as (params: unknown) => unknown;
      Promise.resolve()
        .then(() => {
          if (!Object.hasOwn(handlers, method)) throw new Error(`unknown method ${method}`);
          return handler(params);
        })
        .then(
          (result) => writeJsonLine(socket, { id, result: result ?? null }),
          (error) =>
            writeJsonLine(socket, { id, error: error instanceof Error ? error.message : String(error) }),
        );
    });
  };

  const serve = async (socket: Socket) => {
    socket.on("error", () => {});
    const answer = (value: HelloAnswer) => writeJsonLine(socket, value);
    const onStarted = () => answer({ ok: true });
    try {
      const hello = (await readFirstLine(socket)) as Hello;
      switch (hello.op) {
        case "control":
          // Another control plane's agent can start as soon as this one is out of its way.
          if (hello.version !== agentProtocolVersion || hello.sandbox !== options.sandbox)
            return options.onShutdown();
          answer({ ok: true });
          return serveControl(socket, hello.graceMs);
        case "dial": {
          const inside = await dialInside(reach, hello.ip, hello.port);
          answer({ ok: true });
          return joinSockets(socket, inside);
        }
        case "forward": {
          const inside = await pods.forward(hello.podUid, hello.port);
          answer({ ok: true });
          return joinSockets(socket, inside);
        }
        case "exec":
          await serveExec(pods, hello, socket, { clock, onStarted });
          return;
        case "attach":
          await serveAttach(pods, hello, socket, { clock, onStarted });
          return;
        default:
          throw new Error("unknown op");
      }
    } catch (error) {
      answer({ ok: false, error: error instanceof Error ? error.message : String(error) });
      socket.end();
    }
  };

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, (socket) => void serve(socket));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.socketPath, resolve);
  });
  chmodSync(options.socketPath, 0o600);
  return {
    send: (event) => {
      if (control !== undefined) writeJsonLine(control, event);
    },
  };
}

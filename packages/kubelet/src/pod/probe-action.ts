import { request } from "node:http";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import {
  type Container,
  type HttpGetAction,
  type IntOrString,
  kubernetesVersion,
  type LifecycleHandler,
  type Probe,
} from "@tracegate/kube";
import type { ExecResult, Sandbox } from "../sandbox.ts";
import { checkGrpcHealth } from "./grpc-health.ts";
import type { ProbeResult } from "./probe-state.ts";

/** As the kubelet: more of a body or of a command's output is not looked at. */
const outputLimit = 10 * 1024;
const redirectLimit = 10;
/** `kube-probe/1.34` */
const userAgent = `kube-probe/${kubernetesVersion().replace(/^v/, "").split(".").slice(0, 2).join(".")}`;

/** A container as probes and hooks reach it. */
export interface ProbeTarget {
  readonly sandbox: Pick<Sandbox, "dial" | "exec">;
  readonly podUid: string;
  readonly ip: string;
  readonly container: Container;
}

/** Makes one attempt. Rejects only where the kubelet speaks of an error rather than of a failure. */
export async function runProbe(target: ProbeTarget, probe: Probe): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  if (probe.exec !== undefined)
    return execResult(await runCommand(target, probe.exec.command, timeoutMs), timeoutMs);
  if (probe.httpGet !== undefined) return httpProbe(target, probe.httpGet, timeoutMs);
  if (probe.tcpSocket !== undefined) {
    const port = portNumber(target.container, probe.tcpSocket.port);
    return tcpProbe(target, probe.tcpSocket.host ?? target.ip, port, timeoutMs);
  }
  if (probe.grpc !== undefined) {
    return checkGrpcHealth(() => target.sandbox.dial(target.ip, probe.grpc?.port ?? 0), {
      authority: `${target.ip}:${probe.grpc.port}`,
      service: probe.grpc.service ?? "",
      userAgent,
      timeoutMs,
    });
  }
  throw new Error("missing probe handler");
}

/** Runs a lifecycle hook; rejects with what went wrong. */
export async function runHook(
  target: ProbeTarget,
  hook: LifecycleHandler,
  options: { timeoutMs: number; sleep: (ms: number) => Promise<void> },
): Promise<void> {
  if (hook.sleep !== undefined) return options.sleep(hook.sleep.seconds * 1000);
  if (hook.exec !== undefined) {
    const { exitCode, output, timedOut } = await runCommand(target, hook.exec.command, options.timeoutMs);
    if (timedOut) throw new Error("context deadline exceeded");
    if (exitCode !== 0)
      throw new Error(`command '${hook.exec.command.join(" ")}' exited with ${exitCode}: ${output}`);
    return;
  }
  if (hook.httpGet !== undefined) {
    const { success, output } = await httpProbe(target, hook.httpGet, options.timeoutMs);
    if (!success) throw new Error(output);
  }
}

const runCommand = (
  { sandbox, podUid, container }: ProbeTarget,
  command: string[],
  timeoutMs: number,
): Promise<ExecResult> =>
  sandbox.exec({
    podUid,
    container: container.name,
    command,
    stdin: false,
    tty: false,
    timeoutMs,
    outputLimit,
  });

function execResult({ exitCode, output, timedOut }: ExecResult, timeoutMs: number): ProbeResult {
  if (timedOut) return { success: false, output: `command timed out after ${timeoutMs / 1000}s` };
  return { success: exitCode === 0, output };
}

export function portNumber(container: Container, port: IntOrString): number {
  if (typeof port === "number") return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
  if (!Number.isInteger(named) || named <= 0) throw new Error(`couldn't find port: "${port}"`);
  return named;
}

async function tcpProbe(
  target: ProbeTarget,
  host: string,
  port: number,
  timeoutMs: number,
): Promise<ProbeResult> {
  try {
    const connection = await withTimeout(
      target.sandbox.dial(host, port),
      timeoutMs,
      `dial tcp ${host}:${port}: i/o timeout`,
    );
    connection.destroy();
    return { success: true, output: "" };
  } catch (error) {
    return { success: false, output: wordsOf(error) };
  }
}

async function httpProbe(
  target: ProbeTarget,
  action: HttpGetAction,
  timeoutMs: number,
): Promise<ProbeResult> {
  const host = action.host ?? target.ip;
  const port = portNumber(target.container, action.port);
  const scheme = (action.scheme ?? "HTTP").toLowerCase();
  let url = new URL(
    action.path?.startsWith("/") === false ? `/${action.path}` : (action.path ?? "/"),
    `${scheme}://${host}:${port}`,
  );
  const asked = url.href;
  try {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (let redirects = 0; redirects <= redirectLimit; redirects += 1) {
      const { status, location } = await get(target, url, action, deadline);
      const next =
        location === undefined || status < 300 || status > 399 ? undefined : new URL(location, url);
      // A redirect to another host is as good as an answer: the program is there.
      if (next === undefined || next.hostname !== url.hostname) {
        return status >= 200 && status < 400
          ? { success: true, output: "" }
          : { success: false, output: `HTTP probe failed with statuscode: ${status}` };
      }
      url = next;
    }
    return { success: false, output: `Get "${asked}": stopped after ${redirectLimit} redirects` };
  } catch (error) {
    const words =
      error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError")
        ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        : wordsOf(error);
    return { success: false, output: `Get "${asked}": ${words}` };
  }
}

async function get(
  target: ProbeTarget,
  url: URL,
  action: HttpGetAction,
  signal: AbortSignal,
): Promise<{ status: number; location: string | undefined }> {
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  const raw = await abortable(target.sandbox.dial(url.hostname, port), signal);
  const connection: Duplex =
    url.protocol === "https:" ? connectTls({ socket: raw, rejectUnauthorized: false }) : raw;
  try {
    const headers: Record<string, string> = {
      host: url.host,
      "user-agent": userAgent,
      accept: "*/*",
      connection: "close",
    };
    for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
    return await new Promise((resolve, reject) => {
      const outgoing = request(
        {
          method: "GET",
          path: `${url.pathname}${url.search}`,
          headers,
          signal,
          createConnection: () => connection,
        },
        (response) => {
          resolve({ status: response.statusCode ?? 0, location: response.headers.location });
          response.on("error", () => {});
          response.destroy();
        },
      );
      outgoing.on("error", reject);
      outgoing.end();
    });
  } finally {
    connection.destroy();
  }
}

const wordsOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  return message === "socket hang up" ? "EOF" : message;
};

function abortable(connection: Promise<Duplex>, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    connection.then((stream) => {
      signal.removeEventListener("abort", onAbort);
      if (signal.aborted) stream.destroy();
      resolve(stream);
    }, reject);
  });
}

function withTimeout(connection: Promise<Duplex>, timeoutMs: number, words: string): Promise<Duplex> {
  return abortable(connection, AbortSignal.timeout(timeoutMs)).catch((error) => {
    throw error instanceof Error && error.name === "TimeoutError" ? new Error(words) : error;
  });
}

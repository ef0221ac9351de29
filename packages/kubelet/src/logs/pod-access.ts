import type { Duplex } from "node:stream";
import { type ContainerStatus, Pod, type ResourceClient, StatusError } from "@tracegate/kube";
import type { ExecStream, Sandbox } from "../sandbox.ts";
import type { LogOptions } from "./log-file.ts";
import type { LogReader } from "./log-reader.ts";

/** Streams of a pod, for the API server's `log`, `exec`, `attach` and `portforward`. Refusals are the kubelet's, as `StatusError`s. */
export interface PodAccess {
  logs(
    request: LogOptions & {
      readonly namespace: string;
      readonly name: string;
      readonly container?: string;
      /** The start before the present one. */
      readonly previous?: boolean;
      readonly signal?: AbortSignal;
    },
  ): Promise<AsyncIterable<Buffer>>;
  exec(request: {
    readonly namespace: string;
    readonly name: string;
    readonly container?: string;
    readonly command: readonly string[];
    readonly stdin: boolean;
    readonly tty: boolean;
  }): Promise<ExecStream>;
  /** The streams of a container's own program. Its exit code is the pod's to tell: the stream's is 0. */
  attach(request: {
    readonly namespace: string;
    readonly name: string;
    readonly container?: string;
    readonly stdin: boolean;
  }): Promise<ExecStream>;
  portForward(request: {
    readonly namespace: string;
    readonly name: string;
    readonly port: number;
  }): Promise<Duplex>;
}

export function podAccess(options: { client: ResourceClient; sandbox: Sandbox; logs: LogReader }): PodAccess {
  const { client, sandbox, logs } = options;
  const read = (namespace: string, name: string) => client.get(Pod, { namespace, name });
  return {
    async logs({ namespace, name, container: asked, previous = false, signal, ...rest }) {
      const pod = await read(namespace, name);
      const container = containerOf(pod, asked);
      const { attempt, running } = startToShow(pod, container, previous);
      let ended = !running;
      if (rest.follow === true && running) {
        // Asked of the sandbox once now, and told of changes from here on.
        const stop = sandbox.onChange((change) => {
          if (change === undefined) ended = true;
          else if (change.podUid === pod.metadata.uid && change.container.name === container) {
            ended ||= change.container.state === "exited" || change.container.attempt !== attempt;
          }
        });
        const state = (await sandbox.list()).find(({ uid }) => uid === pod.metadata.uid);
        const run = state?.containers.find((candidate) => candidate.name === container);
        if (run === undefined || run.attempt !== attempt || run.state === "exited") ended = true;
        return until(
          logs.read(pod, container, attempt, {
            ...rest,
            ended: () => ended,
            ...(signal === undefined ? {} : { signal }),
          }),
          stop,
        );
      }
      return logs.read(pod, container, attempt, {
        ...rest,
        ended: () => ended,
        ...(signal === undefined ? {} : { signal }),
      });
    },
    async exec({ namespace, name, container: asked, command, stdin, tty }) {
      const pod = await read(namespace, name);
      const container = containerOf(pod, asked);
      const podUid = uidOf(pod);
      if (!isRunning(pod, container)) {
        throw internalError(`unable to upgrade connection: container not found ("${container}")`);
      }
      try {
        return await sandbox.execStream({ podUid, container, command: [...command], stdin, tty });
      } catch (error) {
        throw internalError(
          "error executing command in container: failed to exec in container: " +
            `OCI runtime exec failed: exec failed: unable to start container process: ${messageOf(error)}: unknown`,
        );
      }
    },
    async attach({ namespace, name, container: asked, stdin }) {
      const pod = await read(namespace, name);
      const container = containerOf(pod, asked);
      const podUid = uidOf(pod);
      try {
        const streams = await sandbox.attachStream({ podUid, container, stdin });
        return { ...streams, exitCode: streams.exitCode.then(() => 0) };
      } catch {
        throw internalError(
          `unable to upgrade connection: container ${container} not found in pod ${name}_${namespace}`,
        );
      }
    },
    async portForward({ namespace, name, port }) {
      const pod = await read(namespace, name);
      if (pod.status?.phase !== "Running") {
        throw badRequest(
          `unable to forward port because pod is not running. Current status=${pod.status?.phase ?? "Pending"}`,
        );
      }
      return sandbox.forward(uidOf(pod), port);
    },
  };
}

/** Refused while no node has it. */
function uidOf({ metadata, spec }: Pod): string {
  if (spec.nodeName !== undefined && spec.nodeName !== "") return metadata.uid ?? "";
  throw badRequest(`pod ${metadata.name} does not have a host assigned`);
}

function isRunning({ status }: Pod, container: string): boolean {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return all.some(({ name, state }) => name === container && state?.running !== undefined);
}

async function* until(source: AsyncIterable<Buffer>, stop: () => void): AsyncGenerator<Buffer> {
  try {
    yield* source;
  } finally {
    stop();
  }
}

function containerOf(pod: Pod, asked: string | undefined): string {
  const { name } = pod.metadata;
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((container) => container.name);
  if (asked === undefined || asked === "") {
    const marked = pod.metadata.annotations?.["kubectl.kubernetes.io/default-container"];
    if (marked !== undefined && all.includes(marked)) return marked;
    const [first, ...others] = pod.spec.containers;
    if (first !== undefined && others.length === 0) return first.name;
    const names = pod.spec.containers.map((container) => container.name);
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${names.join(" ")}]`,
    );
  }
  if (!all.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
  return asked;
}

function startToShow(pod: Pod, container: string, previous: boolean): { attempt: number; running: boolean } {
  const { name } = pod.metadata;
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const status = statuses.find((candidate) => candidate.name === container);
  const { state, lastState, restartCount = 0 } = status ?? ({} as Partial<ContainerStatus>);
  if (previous) {
    if (lastState?.terminated === undefined) {
      throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`);
    }
    // While it waits for its next start, the count is still that of the one that ended.
    return { attempt: state?.waiting === undefined ? restartCount - 1 : restartCount, running: false };
  }
  if (state?.running !== undefined) return { attempt: restartCount, running: true };
  if (state?.terminated !== undefined || lastState?.terminated !== undefined)
    return { attempt: restartCount, running: false };
  const reason = state?.waiting?.reason ?? "ContainerCreating";
  const words = waitingWords[reason] ?? `is waiting to start: ${reason}`;
  throw badRequest(`container "${container}" in pod "${name}" ${words}`);
}

const waitingWords: Record<string, string> = {
  ErrImagePull: "is waiting to start: trying and failing to pull image",
  ImagePullBackOff: "is waiting to start: image can't be pulled",
};

/** What went wrong on the node itself; clients show it as it is. */
const internalError = (why: string): StatusError =>
  new StatusError({
    code: 500,
    reason: "InternalError",
    message: `Internal error occurred: ${why}`,
    details: { causes: [{ message: why }] },
  });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const badRequest = (message: string): StatusError =>
  new StatusError({ code: 400, reason: "BadRequest", message });

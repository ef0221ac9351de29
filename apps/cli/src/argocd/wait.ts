import { Application, type Health, progressTable, readHealth } from "@tracegate/gitops";
import type { WatchEvent } from "@tracegate/kube";
import { finalOutputs, finalState, refresh } from "./applications.ts";
import { Fatal } from "./fatal.ts";
import type { Session } from "./session.ts";

/** What is waited for; health, suspended and degraded are alternatives of each other. */
export interface Awaited {
  readonly sync?: boolean;
  readonly health?: boolean;
  readonly suspended?: boolean;
  readonly degraded?: boolean;
  readonly operation?: boolean;
  readonly delete?: boolean;
}

export interface WaitOptions {
  readonly awaited: Awaited;
  /** 0: for ever. */
  readonly timeoutSeconds: number;
  /** How the Application's page is named in the final block. */
  readonly path?: string;
  /** The health of the resources at the start, where it was read before something was asked for. */
  readonly health?: ReadonlyMap<string, Health>;
  /** How the resources are shown at the end; of JSON and YAML, which the caller prints, nothing else may be printed. */
  readonly output: string;
  /** Only these are looked at and told of; none: all, and the Application itself. */
  readonly resources?: readonly SelectedResource[];
}

/**
 * From a state on, prints the resources as they change until the Application is as awaited; resolves with its last state (undefined: deleted).
 * The order of checks is the original's, for what is printed follows from it.
 */
export async function waitFor(
  session: Session,
  start: Application,
  options: WaitOptions,
): Promise<Application | undefined> {
  const { client, clock, io } = session;
  const { namespace = "", name: own } = start.metadata;
  const ref = { namespace, name: own };
  const { awaited, timeoutSeconds, path = ref.name, output, resources = [] } = options;
  const quiet = output === "json" || output === "yaml";
  const out = (text: string) => {
    if (!quiet) io.out(text);
  };
  const table = progressTable();
  // ⚠ Told with the first look that does not end the wait, as the original does: who need not wait sees no table.
  let header = `${table.header}\n`;
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, io.signal]);
  let application = start;
  const states = follow(session, application, signal);
  const end =
    timeoutSeconds > 0
      ? clock.after(timeoutSeconds * 1000, signal).then(() => "timeout" as const)
      : undefined;
  end?.catch(() => {});
  let refreshFirst = false;
  // Health is that of the last comparison: what has happened since is told with the next one.
  let health = options.health;
  let compared = comparisonOf(start);
  const finish = async (): Promise<Application> => {
    if (refreshFirst) application = await refresh(session, ref, "normal");
    out(await finalState(session, application, { operation: awaited.operation === true, path, output }));
    if (!finalOutputs.includes(output)) throw new Fatal(`unknown output format: ${output}`);
    return application;
  };
  try {
    for (;;) {
      const event = await (end === undefined ? states.next() : Promise.race([states.next(), end]));
      if (event === "timeout") break;
      if (event === "closed") throw new Fatal(`the watch of application '${ref.name}' ended`);
      if (event.type === "BOOKMARK") continue;
      if (event.type === "DELETED") {
        if (awaited.delete !== true) throw new Fatal(`application '${ref.name}' was deleted`);
        out(`Application '${ref.namespace}/${ref.name}' deleted\n`);
        return undefined;
      }
      application = event.object;
      if (application.operation !== undefined && application.operation.sync?.dryRun !== true)
        refreshFirst = true;
      const comparison = comparisonOf(application);
      if (health === undefined || comparison !== compared) health = await readHealth(client, application);
      compared = comparison;
      const looked = withOnly(application, resources);
      const reached =
        resources.length === 0 ? isReached(application, awaited) : areReached(looked, health, awaited);
      if (reached && !(awaited.operation === true && operates(application))) return await finish();
      const { lines, degraded } = table.update(looked, health, clock.now());
      if (awaited.health === true && degraded !== undefined) {
        await finish();
        throw new Fatal(
          `application '${ref.name}' health state has transitioned from ${degraded.from} to Degraded`,
        );
      }
      out(header);
      header = "";
      for (const line of lines) out(`${line}\n`);
    }
    refreshFirst = false;
    application = await client.get(Application, ref);
    out("\nThis is the state of the app after wait timed out:\n");
    out("\nThe command timed out waiting for the conditions to be met.\n");
    await finish();
    throw new Fatal(`timed out (${timeoutSeconds}s) waiting for app "${ref.name}" match desired state`);
  } finally {
    stop.abort();
    states.stop();
  }
}

/** What a comparison writes, to tell one from the next. */
function comparisonOf({ status = {} }: Application): string {
  const { sync, health, resources, summary, conditions, reconciledAt } = status;
  return JSON.stringify([sync, health, resources, summary, conditions, reconciledAt]);
}

/** A resource that a command is about. */
export interface SelectedResource {
  readonly group?: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** An Application with those of its resources alone that are selected; none selected: as it is. */
function withOnly(application: Application, selected: readonly SelectedResource[]): Application {
  if (selected.length === 0 || application.status === undefined) return application;
  const isOne = (one: { group?: string; kind: string; namespace?: string; name: string }) =>
    selected.some(
      ({ group = "", kind, namespace, name }) =>
        (group === "*" || group === (one.group ?? "")) &&
        (kind === "*" || kind === one.kind) &&
        (name === "*" || name === one.name) &&
        (namespace === undefined || namespace === one.namespace),
    );
  const { resources = [], operationState, ...status } = application.status;
  const syncResult = operationState?.syncResult;
  return {
    ...application,
    status: {
      ...status,
      resources: resources.filter(isOne),
      ...(operationState === undefined
        ? {}
        : {
            operationState: {
              ...operationState,
              ...(syncResult === undefined
                ? {}
                : { syncResult: { ...syncResult, resources: (syncResult.resources ?? []).filter(isOne) } }),
            },
          }),
    },
  };
}

/** Whether a sync is asked for, runs, or has ended so lately that the comparison does not know of it. */
function operates({ operation, status }: Application): boolean {
  if (operation !== undefined) return true;
  const state = status?.operationState;
  if (state === undefined) return false;
  if (state.finishedAt === undefined) return true;
  if (state.operation.sync?.dryRun === true) return false;
  return status?.reconciledAt === undefined || Date.parse(status.reconciledAt) < Date.parse(state.finishedAt);
}

/** Whether each resource is as awaited; what is not there is not waited for. */
function areReached(
  { operation, status }: Application,
  health: ReadonlyMap<string, Health>,
  awaited: Awaited,
): boolean {
  return (status?.resources ?? []).every((resource) => {
    const { group = "", kind, namespace = "", name } = resource;
    const state = health.get(`${group}/${kind}/${namespace}/${name}`)?.status ?? "";
    return isAsAwaited(
      { health: state, sync: resource.status ?? "", operates: operation !== undefined },
      awaited,
    );
  });
}

const isReached = ({ operation, status }: Application, awaited: Awaited): boolean =>
  isAsAwaited(
    {
      health: status?.health?.status ?? "",
      sync: status?.sync?.status ?? "",
      operates: operation !== undefined,
    },
    awaited,
  );

function isAsAwaited(
  {
    health,
    sync,
    operates: busy,
  }: { readonly health: string; readonly sync: string; readonly operates: boolean },
  awaited: Awaited,
): boolean {
  if (awaited.delete === true) return false;
  const checksHealth = awaited.health === true || awaited.suspended === true || awaited.degraded === true;
  const healthy =
    !checksHealth ||
    (awaited.health === true && health === "Healthy") ||
    (awaited.suspended === true && health === "Suspended") ||
    (awaited.degraded === true && health === "Degraded");
  const synced = awaited.sync !== true || sync === "Synced";
  return synced && healthy && (awaited.operation !== true || !busy);
}

/** The Application as it is, and each change of it, in order. */
function follow({ client }: Session, start: Application, signal: AbortSignal) {
  const { namespace = "", name, resourceVersion = "" } = start.metadata;
  const events: (WatchEvent<Application> | "closed")[] = [{ type: "ADDED", object: start }];
  let wake = () => {};
  const watch = client.watch(
    Application,
    { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion },
    {
      event(event) {
        if (event.type !== "BOOKMARK" && event.object.metadata.name !== name) return;
        events.push(event);
        wake();
      },
      close() {
        events.push("closed");
        wake();
      },
    },
  );
  return {
    async next(): Promise<WatchEvent<Application> | "closed"> {
      for (;;) {
        const event = events.shift();
        if (event !== undefined) return event;
        await new Promise<void>((resolve, reject) => {
          wake = resolve;
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      }
    },
    stop: () => watch.stop(),
  };
}

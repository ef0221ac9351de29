import {
  Application,
  type Health,
  readHealth,
  requestRollback,
  requestSync,
  requestTermination,
  type SyncOperation,
} from "@tracegate/gitops";
import { chosen, refOf } from "./applications.ts";
import { goJson, goYaml } from "./output.ts";
import { appNamespace, command, Fatal, outputFlag, type Session } from "./session.ts";
import { waitFor } from "./wait.ts";

const timeout = { type: "number", help: "wait no longer than so many seconds (0: for ever)" } as const;
const selector = { type: "string", short: "l", help: "the Applications with these labels" } as const;

export const appSync = command({
  path: "app sync",
  use: "[APPNAME... | -l selector]",
  summary: "Bring Applications to what Git says, and wait for it",
  examples: [
    "argocd app sync hotrod",
    "argocd app sync hotrod --prune",
    "argocd app sync hotrod --resource apps:Deployment:web",
  ],
  args: [0, Number.POSITIVE_INFINITY],
  flags: {
    prune: { type: "bool", help: "delete what Git no longer has" },
    "dry-run": { type: "bool", help: "only say what would be done" },
    force: { type: "bool", help: "replace what cannot be changed" },
    async: { type: "bool", help: "do not wait" },
    revision: { type: "string", help: "a commit, branch or tag in place of the Application's" },
    resource: { type: "strings", help: "only GROUP:KIND:NAME" },
    strategy: { type: "string", help: "one of: apply|hook" },
    selector,
    timeout,
    output: { ...outputFlag("json|yaml|wide"), default: "wide" },
    "app-namespace": appNamespace,
  },
  async run(names, flags, session) {
    if (names.length === 0 && flags.selector === "")
      throw new Fatal("Cannot use command without either application names or a selector", 1);
    if (names.length > 0 && flags.selector !== "")
      throw new Fatal("Cannot use selector option when application name(s) passed as argument(s)", 1);
    const { strategy } = flags;
    if (strategy !== "" && strategy !== "apply" && strategy !== "hook")
      throw new Fatal(`Unknown sync strategy: '${strategy}'`);
    const resources = flags.resource.map(resourceOf);
    for (const found of await chosen(session, names, flags.selector, flags["app-namespace"])) {
      const ref = { namespace: found.metadata.namespace ?? "", name: found.metadata.name };
      const health = await readHealth(session.client, found);
      const requested = await requestSync(session.client, session.git, ref, {
        now: session.clock.now(),
        prune: flags.prune,
        dryRun: flags["dry-run"],
        force: flags.force,
        ...(flags.revision === "" ? {} : { revision: flags.revision }),
        ...(strategy === "" ? {} : { strategy }),
        ...(resources.length === 0 ? {} : { resources }),
      });
      if (flags.async) continue;
      const application = await waitForOperation(session, requested, { ...flags, health });
      const phase = application?.status?.operationState?.phase;
      if (flags["dry-run"]) continue;
      if (phase !== "Succeeded") throw new Fatal(`Operation has completed with phase: ${phase}`, 1);
      const pruning =
        application?.status?.resources?.filter(({ requiresPruning }) => requiresPruning === true) ?? [];
      if (resources.length === 0 && application?.status?.sync?.status !== "Synced" && pruning.length > 0)
        throw new Fatal(`${pruning.length} resources require pruning`, 1);
    }
    return 0;
  },
});

async function waitForOperation(
  session: Session,
  requested: Application,
  options: { timeout: number; output: string; path?: string; health: ReadonlyMap<string, Health> },
): Promise<Application | undefined> {
  const { timeout: timeoutSeconds, output, path, health } = options;
  const quiet = output === "json" || output === "yaml";
  const application = await waitFor(session, requested, {
    awaited: { operation: true },
    timeoutSeconds,
    health,
    quiet,
    ...(path === undefined ? {} : { path }),
  });
  if (quiet) session.io.out(output === "json" ? goJson(application) : goYaml(application));
  return application;
}

function resourceOf(text: string): NonNullable<SyncOperation["resources"]>[number] {
  const [group, kind, name, ...rest] = text.split(":");
  if (group === undefined || kind === undefined || name === undefined || rest.length > 0)
    throw new Fatal(`resource should have GROUP:KIND:NAME, but instead got: ${text}`);
  const [namespace, own] = name.includes("/") ? name.split("/") : [undefined, name];
  return { group, kind, name: own ?? "", ...(namespace === undefined ? {} : { namespace }) };
}

export const appRollback = command({
  path: "app rollback",
  use: "APPNAME [ID]",
  summary: "Go back to what was deployed before, or to an entry of the history",
  examples: ["argocd app rollback hotrod", "argocd app rollback hotrod 3"],
  args: [1, 2],
  flags: {
    prune: { type: "bool", help: "delete what that revision does not have" },
    timeout,
    output: { ...outputFlag("json|yaml|wide"), default: "wide" },
    "app-namespace": appNamespace,
  },
  async run([text = "", id], flags, session) {
    const ref = refOf(text, flags["app-namespace"]);
    if (id !== undefined && !/^-?\d+$/.test(id))
      throw new Fatal(`strconv.Atoi: parsing "${id}": invalid syntax`);
    const entry = id === undefined ? undefined : Number(id);
    const health = await readHealth(session.client, await session.client.get(Application, ref));
    const requested = await requestRollback(session.client, ref, entry, { prune: flags.prune });
    // ⚠ The page is named with the namespace here, and without it elsewhere, as the original does.
    await waitForOperation(session, requested, { ...flags, health, path: `${ref.namespace}/${ref.name}` });
    return 0;
  },
});

export const appWait = command({
  path: "app wait",
  use: "[APPNAME... | -l selector]",
  summary: "Wait until Applications are synced, healthy and without an operation; or for what is named",
  examples: ["argocd app wait hotrod", "argocd app wait hotrod --health --timeout 120"],
  args: [0, Number.POSITIVE_INFINITY],
  flags: {
    sync: { type: "bool", help: "until synced" },
    health: { type: "bool", help: "until healthy" },
    suspended: { type: "bool", help: "until suspended" },
    degraded: { type: "bool", help: "until degraded" },
    delete: { type: "bool", help: "until deleted" },
    operation: { type: "bool", help: "until no operation runs" },
    selector,
    timeout,
    output: { ...outputFlag("json|yaml|wide"), default: "wide" },
    "app-namespace": appNamespace,
  },
  async run(names, flags, session) {
    if (names.length === 0 && flags.selector === "")
      throw new Fatal("Cannot use command without either application names or a selector", 1);
    const { sync, health, suspended, degraded, operation, timeout: timeoutSeconds, output } = flags;
    const named = { sync, health, suspended, degraded, operation, delete: flags.delete };
    const awaited = Object.values(named).some(Boolean)
      ? named
      : { sync: true, health: true, operation: true };
    const quiet = output === "json" || output === "yaml";
    for (const found of await chosen(session, names, flags.selector, flags["app-namespace"])) {
      const application = await waitFor(session, found, { awaited, timeoutSeconds, quiet });
      if (quiet) session.io.out(output === "json" ? goJson(application) : goYaml(application));
    }
    return 0;
  },
});

export const appTerminate = command({
  path: "app terminate-op",
  use: "APPNAME",
  summary: "End the operation that runs",
  examples: ["argocd app terminate-op hotrod"],
  args: [1, 1],
  flags: { "app-namespace": appNamespace },
  async run([text = ""], flags, { client, io }) {
    const ref = refOf(text, flags["app-namespace"]);
    await requestTermination(client, ref);
    io.out(`Application '${ref.name}' operation terminating\n`);
    return 0;
  },
});

import {
  Application,
  type Health,
  type RetryStrategy,
  readHealth,
  requestRollback,
  requestSync,
  requestTermination,
  type SyncOperation,
} from "@tracegate/gitops";
import { UsageError } from "../cobra/command.ts";
import { differencesOf, stateOf } from "./app-manifests.ts";
import { chosen, refOf } from "./applications.ts";
import { Fatal } from "./fatal.ts";
import { goJson, goYaml } from "./output.ts";
import { appNamespace, command, outputFlag, type Session } from "./session.ts";
import { waitFor } from "./wait.ts";

const timeout = { type: "number", help: "wait no longer than so many seconds (0: for ever)" } as const;
const selector = { type: "string", short: "l", help: "the Applications with these labels" } as const;

export const appSync = command({
  path: "app sync",
  use: "[APPNAME... | -l selector | --project project-name]",
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
    resource: { type: "stringArray", help: "only GROUP:KIND:[NAMESPACE/]NAME, or with ! all but it" },
    label: { type: "stringArray", help: "only resources with these labels" },
    strategy: { type: "string", help: "one of: apply|hook" },
    replace: { type: "bool", help: "replace objects in place of applying them" },
    "server-side": { type: "bool", help: "apply on the server" },
    "apply-out-of-sync-only": { type: "bool", help: "only what differs" },
    "retry-limit": { type: "number", help: "how often it is tried again" },
    "retry-backoff-duration": { type: "string", default: "5s", help: "the wait before the first retry" },
    "retry-backoff-max-duration": { type: "string", default: "3m0s", help: "the longest wait" },
    "retry-backoff-factor": {
      type: "number",
      default: 2,
      help: "what each wait is longer than the one before",
    },
    "preview-changes": { type: "bool", help: "show the differences and ask" },
    assumeYes: { type: "bool", help: "answer yes" },
    local: { type: "string", help: "refused: what is deployed comes from Git" },
    revisions: { type: "stringArray", help: "refused: an Application has one source" },
    info: { type: "stringArray", help: "KEY=VALUE that goes with the operation" },
    project: { type: "stringArray", help: "the Applications of these projects" },
    selector,
    timeout,
    output: { ...outputFlag("json|yaml|wide|tree|tree=detailed"), default: "wide" },
    "app-namespace": appNamespace,
  },
  async run(names, flags, session) {
    if (names.length === 0 && flags.selector === "" && flags.project.length === 0) throw new UsageError("");
    if (names.length > 0 && flags.selector !== "")
      throw new Fatal("Cannot use selector option when application name(s) passed as argument(s)", 1);
    const { strategy } = flags;
    if (strategy !== "" && strategy !== "apply" && strategy !== "hook")
      throw new Fatal(`Unknown sync strategy: '${strategy}'`, 1);
    if (flags.local !== "") throw new Fatal("--local is not supported: commit what is to be deployed");
    if (flags.revisions.length > 0)
      throw new Fatal("--revisions is not supported: an Application has one source");
    const info = flags.info.map(infoOf);
    const wanted = flags.resource.map(resourceOf);
    const all = await chosen(session, names, flags.selector, flags["app-namespace"], {
      projects: flags.project,
    });
    for (const [index, found] of all.entries()) {
      const labelled = await labelledResources(session, found, flags);
      const resources = resourcesOf(found, [...wanted, ...labelled]);
      const ref = { namespace: found.metadata.namespace ?? "", name: found.metadata.name };
      // ⚠ The page is named as the Application was, as the original does.
      const path = names[index] ?? `${ref.namespace}/${ref.name}`;
      if (flags["preview-changes"] && !(await agreesToChanges(session, found, path, flags.assumeYes)))
        return 0;
      const health = await readHealth(session.client, found);
      const requested = await requestSync(session.client, session.git, ref, {
        now: session.clock.now(),
        prune: flags.prune,
        dryRun: flags["dry-run"],
        force: flags.force,
        ...(flags.revision === "" ? {} : { revision: flags.revision }),
        ...(strategy === "" ? {} : { strategy }),
        ...(resources.length === 0 ? {} : { resources }),
        ...optionsOf(found, flags),
        ...(flags["retry-limit"] > 0 ? { retry: retryOf(flags) } : {}),
        ...(info.length === 0 ? {} : { info }),
      });
      if (flags.async) continue;
      const how = { ...flags, health, resources, path };
      const application = await waitForOperation(session, requested, how);
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
  options: {
    timeout: number;
    output: string;
    path?: string;
    health: ReadonlyMap<string, Health>;
    resources?: readonly Resource[];
  },
): Promise<Application | undefined> {
  const { timeout: timeoutSeconds, output, path, health, resources = [] } = options;
  const quiet = output === "json" || output === "yaml";
  const application = await waitFor(session, requested, {
    awaited: { operation: true },
    timeoutSeconds,
    health,
    output,
    resources,
    ...(path === undefined ? {} : { path }),
  });
  if (quiet) session.io.out(output === "json" ? goJson(application) : goYaml(application));
  return application;
}

type Resource = NonNullable<SyncOperation["resources"]>[number];

interface Filter extends Resource {
  readonly text: string;
  readonly exclude: boolean;
}

/** The resources that filters choose of an Application's: all where there are no filters. */
function resourcesOf(application: Application, filters: readonly Filter[]): Resource[] {
  if (filters.length === 0) return [];
  const { resources = [] } = application.status ?? {};
  const included = resources.filter(({ group = "", kind, namespace = "", name }) => {
    const agrees = (filter: Filter) =>
      anything(filter.group ?? "", group) &&
      anything(filter.kind, kind) &&
      anything(filter.name, name) &&
      (filter.namespace === undefined || anything(filter.namespace, namespace));
    const only = filters.filter(({ exclude }) => !exclude);
    return (
      (only.length === 0 || only.some(agrees)) && !filters.some((filter) => filter.exclude && agrees(filter))
    );
  });
  if (included.length === 0)
    throw new Fatal(
      `No matching app resources found for resource filter: ${filters.map(({ text }) => text).join(", ")}`,
      1,
    );
  return included.map(({ group, kind, namespace, name }) => ({
    ...(group === undefined ? {} : { group }),
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  }));
}

/** The manifests that have one of the labels, as filters. */
async function labelledResources(
  session: Session,
  application: Application,
  flags: {
    readonly label: readonly string[];
    readonly revision: string;
    readonly resource: readonly string[];
  },
): Promise<Filter[]> {
  if (flags.label.length === 0) return [];
  const pairs = flags.label.map(pairOf);
  const { comparison } = await stateOf(session, application, flags.revision);
  session.io.out(`The name of the app is  ${application.metadata.name}\n`);
  const found = comparison.resources.flatMap(({ key, target }) =>
    pairs
      .filter(([name, value]) => target?.metadata.labels?.[name] === value)
      .map(() => resourceOf(`${key.group}:${key.kind}:${key.name}`)),
  );
  if (found.length === 0 && flags.resource.length === 0)
    throw new Fatal(`No matching resources found for labels: [${flags.label.join(" ")}]`, 1);
  return found;
}

/** `key=value`, as flags take it. */
function pairOf(text: string): readonly [string, string] {
  const [key = "", value, ...rest] = text.split("=");
  if (value === undefined || rest.length > 0)
    throw new Fatal(`labels should have key=value, but instead got: ${text}`);
  return [key, value];
}

function infoOf(text: string): { name: string; value: string } {
  const [name, value] = pairOf(text);
  return { name, value };
}

/** Shows what a sync would change and asks whether it is to be done; without an answer it is not. */
async function agreesToChanges(
  session: Session,
  application: Application,
  path: string,
  assumeYes: boolean,
): Promise<boolean> {
  const { io, ask } = session;
  const differences = differencesOf(application, await stateOf(session, application, ""));
  io.out(`====== Previewing differences between live and desired state of application ${path} ======\n`);
  io.out(differences.length === 0 ? "====== No Differences found ======\n" : differences.join(""));
  if (differences.length === 0) return false;
  if (assumeYes) return true;
  const question = `Please review changes to application ${path} shown above. Do you want to continue the sync process? (y/n): `;
  return /^y(es)?$/i.test(((await ask(question)) ?? "").trim());
}

const anything = (pattern: string, value: string): boolean => pattern === "*" || pattern === value;

/** The sync options that flags add to those of the Application. */
function optionsOf(
  { spec }: Application,
  flags: {
    readonly replace: boolean;
    readonly "server-side": boolean;
    readonly "apply-out-of-sync-only": boolean;
  },
): { syncOptions?: string[] } {
  const added = [
    ...(flags.replace ? ["Replace=true"] : []),
    ...(flags["server-side"] ? ["ServerSideApply=true"] : []),
    ...(flags["apply-out-of-sync-only"] ? ["ApplyOutOfSyncOnly=true"] : []),
  ];
  return added.length === 0 ? {} : { syncOptions: [...(spec.syncPolicy?.syncOptions ?? []), ...added] };
}

const retryOf = (flags: {
  readonly "retry-limit": number;
  readonly "retry-backoff-duration": string;
  readonly "retry-backoff-max-duration": string;
  readonly "retry-backoff-factor": number;
}): RetryStrategy => ({
  limit: flags["retry-limit"],
  backoff: {
    duration: flags["retry-backoff-duration"],
    factor: flags["retry-backoff-factor"],
    maxDuration: flags["retry-backoff-max-duration"],
  },
});

function resourceOf(text: string): Filter {
  const exclude = text.startsWith("!");
  const [group, kind, name, ...rest] = text.slice(exclude ? 1 : 0).split(":");
  if (group === undefined || kind === undefined || name === undefined || rest.length > 0)
    throw new Fatal(`resource should have GROUP:KIND:NAME, but instead got: ${text}`);
  const [namespace, own] = name.includes("/") ? name.split("/") : [undefined, name];
  return { text, exclude, group, kind, name: own ?? "", ...(namespace === undefined ? {} : { namespace }) };
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
    output: { ...outputFlag("json|yaml|wide|tree|tree=detailed"), default: "wide" },
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
  use: "[APPNAME.. | -l selector]",
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
    hydrated: { type: "bool", help: "refused: nothing is hydrated" },
    resource: { type: "stringArray", help: "only GROUP:KIND:[NAMESPACE/]NAME" },
    selector,
    timeout,
    output: { ...outputFlag("json|yaml|wide|tree|tree=detailed"), default: "wide" },
    "app-namespace": appNamespace,
  },
  async run(names, flags, session) {
    if (names.length === 0 && flags.selector === "") throw new UsageError("");
    if (flags.hydrated) throw new Fatal("--hydrated is not supported: nothing is hydrated");
    const resources = flags.resource.map(resourceOf);
    const { sync, health, suspended, degraded, operation, timeout: timeoutSeconds, output } = flags;
    const named = { sync, health, suspended, degraded, operation, delete: flags.delete };
    const awaited = Object.values(named).some(Boolean)
      ? named
      : { sync: true, health: true, operation: true };
    const quiet = output === "json" || output === "yaml";
    const all = await chosen(session, names, flags.selector, flags["app-namespace"], { mayBeNone: true });
    for (const [index, found] of all.entries()) {
      const path = names[index] ?? `${found.metadata.namespace}/${found.metadata.name}`;
      const how = { awaited, timeoutSeconds, output, resources, path };
      const application = await waitFor(session, found, how);
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

import { Application, AppProject, isActive, renderProject, renderProjectList } from "@tracegate/gitops";
import { isNotFound, jsonEqual } from "@tracegate/kube";
import { type CobraCommand, UsageError } from "../cobra/command.ts";
import { Fatal } from "./fatal.ts";
import { formatted, table } from "./output.ts";
import { command, controlPlane, logLine, outputFlag, type Session } from "./session.ts";

type Spec = AppProject["spec"];

const wide = { ...outputFlag("json|yaml|wide|name"), default: "wide" } as const;
const within = { namespace: controlPlane };
const refuse = (code: string, reason: string) => new Fatal(`rpc error: code = ${code} desc = ${reason}`);

async function projectOf({ client }: Session, name: string): Promise<AppProject> {
  try {
    return await client.get(AppProject, { ...within, name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw refuse(
      "NotFound",
      `error getting app project "${name}": appproject.argoproj.io "${name}" not found`,
    );
  }
}

export const projList = command({
  path: "proj list",
  summary: "List the projects",
  examples: ["argocd proj list"],
  flags: { output: wide },
  async run(_args, { output }, { client, io }) {
    const { items } = await client.list(AppProject, within);
    const shown = () => renderProjectList(items);
    const names = () => items.map(({ metadata }) => `${metadata.name}\n`).join("");
    io.out(formatted(output, items, { wide: shown, "": shown, name: names }));
    return 0;
  },
});

export const projGet = command({
  path: "proj get",
  use: "PROJECT",
  summary: "Show a project",
  examples: ["argocd proj get default"],
  args: [1, 1],
  flags: { output: wide },
  async run([name = ""], { output }, session) {
    const project = await projectOf(session, name);
    const shown = () => renderProject(project);
    session.io.out(formatted(output, project, { wide: shown, "": shown }));
    return 0;
  },
});

const destinationOf = (text: string): NonNullable<Spec["destinations"]>[number] => {
  const [server = "", namespace] = text.split(",");
  if (namespace === undefined) throw new Fatal("expected destination of the form: server,namespace");
  return { server, namespace };
};

const specFlags = {
  description: { type: "string", help: "what it is for" },
  dest: { type: "stringArray", short: "d", help: "SERVER,NAMESPACE to deploy to" },
  src: { type: "stringArray", short: "s", help: "a repository to deploy from" },
  "allow-cluster-resource": { type: "stringArray", help: "GROUP/KIND, cluster-scoped, that is allowed" },
  "deny-cluster-resource": { type: "stringArray", help: "GROUP/KIND, cluster-scoped, that is denied" },
  "allow-namespaced-resource": { type: "stringArray", help: "GROUP/KIND that is allowed" },
  "deny-namespaced-resource": { type: "stringArray", help: "GROUP/KIND that is denied" },
  "orphaned-resources": { type: "bool", help: "look for what belongs to no Application" },
} as const;

interface SpecValues {
  readonly description: string;
  readonly dest: readonly string[];
  readonly src: readonly string[];
  readonly "allow-cluster-resource": readonly string[];
  readonly "deny-cluster-resource": readonly string[];
  readonly "allow-namespaced-resource": readonly string[];
  readonly "deny-namespaced-resource": readonly string[];
  readonly "orphaned-resources": boolean;
}

/** What flags say of a project's spec; those that were not given say nothing. */
function specOf(flags: SpecValues, given: ReadonlySet<string>): Spec {
  const when = (flag: string, field: Partial<Spec>) => (given.has(flag) ? field : {});
  return {
    ...when("src", { sourceRepos: [...flags.src] }),
    ...when("dest", { destinations: flags.dest.map(destinationOf) }),
    ...when("description", { description: flags.description }),
    ...when("allow-cluster-resource", {
      clusterResourceWhitelist: flags["allow-cluster-resource"].map(kindOf),
    }),
    ...when("deny-cluster-resource", {
      clusterResourceBlacklist: flags["deny-cluster-resource"].map(kindOf),
    }),
    ...when("allow-namespaced-resource", {
      namespaceResourceWhitelist: flags["allow-namespaced-resource"].map(kindOf),
    }),
    ...when("deny-namespaced-resource", {
      namespaceResourceBlacklist: flags["deny-namespaced-resource"].map(kindOf),
    }),
    ...(flags["orphaned-resources"] ? { orphanedResources: {} } : {}),
  };
}

function kindOf(text: string): { group: string; kind: string } {
  const [group = "", kind, ...rest] = text.split("/");
  if (kind === undefined || rest.length > 0) throw new Fatal(`expected GROUP/KIND, but got: ${text}`);
  return { group, kind };
}

export const projSet = command({
  path: "proj set",
  use: "PROJECT",
  summary: "Change what a project allows",
  examples: ["argocd proj set shop --description 'The shop' -s https://git.example/shop.git"],
  args: [1, 1],
  flags: specFlags,
  async run([name = ""], flags, session) {
    const { client, given, io, clock } = session;
    const project = await projectOf(session, name);
    if (given.size === 0) {
      io.err(logLine("error", "Please set at least one option to update", clock));
      throw new UsageError("");
    }
    await client.update(AppProject, { ...project, spec: { ...project.spec, ...specOf(flags, given) } });
    return 0;
  },
});

export const projCreate = command({
  path: "proj create",
  use: "PROJECT",
  summary: "Make a project",
  examples: [
    "argocd proj create shop -d https://kubernetes.default.svc,shop -s https://git.example/shop.git",
  ],
  args: [1, 1],
  flags: {
    ...specFlags,
    upsert: { type: "bool", help: "change a project that is there" },
  },
  async run([name = ""], flags, { client, given }) {
    const spec = specOf(flags, given);
    const { items } = await client.list(AppProject, within);
    const existing = items.find(({ metadata }) => metadata.name === name);
    if (existing === undefined) {
      const metadata = { ...within, name };
      await client.create(AppProject, {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "AppProject",
        metadata,
        spec,
      });
    } else if (flags.upsert) await client.update(AppProject, { ...existing, spec });
    else if (!jsonEqual(existing.spec, spec))
      throw refuse("InvalidArgument", "existing project spec is different; use upsert flag to force update");
    return 0;
  },
});

export const projDelete = command({
  path: "proj delete",
  use: "PROJECT",
  summary: "Delete a project that no Application refers to",
  examples: ["argocd proj delete shop"],
  args: [1, 1],
  async run([name = ""], _flags, { client }) {
    if (name === "default")
      throw refuse("InvalidArgument", "name 'default' is reserved and cannot be deleted");
    const { items } = await client.list(Application, within);
    const users = items.filter(({ spec }) => spec.project === name).length;
    if (users > 0) throw refuse("InvalidArgument", `project is referenced by ${users} applications`);
    try {
      await client.delete(AppProject, { ...within, name });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw refuse("NotFound", `appprojects.argoproj.io "${name}" not found`);
    }
    return 0;
  },
});

interface Changed {
  readonly spec?: Spec;
  readonly told?: string;
}

/** A command that changes a project's spec, or says why there is nothing to change. */
function change(
  verb: string,
  use: string,
  summary: string,
  example: string,
  changed: (spec: Spec, args: readonly string[]) => Changed,
): CobraCommand<Session> {
  const count = use.split(" ").length;
  return command({
    path: `proj ${verb}`,
    use,
    summary,
    examples: [`argocd proj ${verb} ${example}`],
    args: [count, count],
    async run([name = "", ...args], _flags, session) {
      const project = await projectOf(session, name);
      const { spec, told } = changed(project.spec, args);
      if (spec !== undefined) await session.client.update(AppProject, { ...project, spec });
      if (told !== undefined) session.io.out(`${told}\n`);
      return 0;
    },
  });
}

/** The lists of kinds that flags and commands change. */
const kindLists = {
  cluster: { allow: "clusterResourceWhitelist", deny: "clusterResourceBlacklist" },
  namespaced: { allow: "namespaceResourceWhitelist", deny: "namespaceResourceBlacklist" },
} as const;

/**
 * `allow-…-resource` and `deny-…-resource`. ⚠ Unless told otherwise they change the list that starts out empty for their scope: of
 * cluster-scoped kinds those allowed, of the others those denied. What is allowed is taken off the list of what is denied.
 */
function kindChange(what: "allow" | "deny", scope: "cluster" | "namespaced"): CobraCommand<Session> {
  const verb = `${what}-${scope === "cluster" ? "cluster" : "namespace"}-resource`;
  return command({
    path: `proj ${verb}`,
    use: "PROJECT GROUP KIND",
    summary: `Change which ${scope === "cluster" ? "cluster-scoped" : scope} kinds a project allows or denies`,
    examples: [`argocd proj ${verb} shop apps Deployment`],
    args: [3, 3],
    flags: {
      list: {
        type: "string",
        short: "l",
        default: scope === "cluster" ? "allow" : "deny",
        help: "the list to change, one of: allow|deny",
      },
    },
    async run([name = "", group = "", kind = ""], { list }, session) {
      const project = await projectOf(session, name);
      const chosen = list === "allow" || list === "white" ? "allow" : "deny";
      const field = kindLists[scope][chosen];
      const listed = project.spec[field] ?? [];
      const described = `${chosen === "allow" ? "allowed" : "denied"} ${scope} resources`;
      const isIt = (entry: { group: string; kind: string }) => entry.group === group && entry.kind === kind;
      const adds = chosen === what;
      const tell = (text: string) =>
        session.io.out(`Group '${group}' and kind '${kind}' ${text} ${described}\n`);
      if (listed.some(isIt) === adds) {
        tell(adds ? "already present in" : "not in");
        return 0;
      }
      const changed = adds ? [...listed, { group, kind }] : listed.filter((entry) => !isIt(entry));
      await session.client.update(AppProject, { ...project, spec: { ...project.spec, [field]: changed } });
      tell(adds ? "is added to" : "is removed from");
      return 0;
    },
  });
}

export const projectChanges: readonly CobraCommand<Session>[] = [
  change(
    "add-source",
    "PROJECT URL",
    "Let a project deploy from a repository",
    "shop https://git.example/shop.git",
    (spec, [url = ""]) => {
      const known = spec.sourceRepos?.find((one) => one === "*" || one === url);
      return known === undefined
        ? { spec: { ...spec, sourceRepos: [...(spec.sourceRepos ?? []), url] } }
        : { told: `Source repository '${known}' already allowed in project` };
    },
  ),
  change(
    "remove-source",
    "PROJECT URL",
    "Let a project deploy from a repository no more",
    "shop https://git.example/shop.git",
    (spec, [url = ""]) =>
      spec.sourceRepos?.includes(url) === true
        ? { spec: { ...spec, sourceRepos: spec.sourceRepos.filter((one) => one !== url) } }
        : { told: `Source repository '${url}' does not exist in project` },
  ),
  change(
    "add-destination",
    "PROJECT SERVER NAMESPACE",
    "Let a project deploy to a namespace",
    "shop https://kubernetes.default.svc shop",
    (spec, [server = "", namespace = ""]) => {
      if (spec.destinations?.some((one) => one.server === server && one.namespace === namespace) === true)
        throw new Fatal("Specified destination is already defined in project", 1);
      return { spec: { ...spec, destinations: [...(spec.destinations ?? []), { server, namespace }] } };
    },
  ),
  change(
    "remove-destination",
    "PROJECT SERVER NAMESPACE",
    "Let a project deploy to a namespace no more",
    "shop https://kubernetes.default.svc shop",
    (spec, [server = "", namespace = ""]) => {
      const left = (spec.destinations ?? []).filter(
        (one) => one.server !== server || one.namespace !== namespace,
      );
      if (left.length === (spec.destinations ?? []).length)
        throw new Fatal("Specified destination does not exist in project", 1);
      return { spec: { ...spec, destinations: left } };
    },
  ),
  kindChange("allow", "cluster"),
  kindChange("deny", "cluster"),
  kindChange("allow", "namespaced"),
  kindChange("deny", "namespaced"),
];

export const projWindows = command({
  path: "proj windows list",
  use: "PROJECT",
  summary: "List when Applications of a project may be synchronised",
  examples: ["argocd proj windows list shop"],
  args: [1, 1],
  flags: { output: { ...outputFlag("json|yaml|wide"), default: "wide" } },
  async run([name = ""], { output }, session) {
    const { syncWindows = [] } = (await projectOf(session, name)).spec;
    const all = (list: readonly string[] | undefined) =>
      list === undefined || list.length === 0 ? "-" : list.join(",");
    const rows = syncWindows.map((window, id) => [
      String(id),
      isActive(window, session.clock.now()) ? "Active" : "Inactive",
      window.kind,
      window.schedule,
      window.duration,
      all(window.applications),
      all(window.namespaces),
      all(window.clusters),
      window.manualSync === true ? "Enabled" : "Disabled",
      window.timeZone ?? "",
    ]);
    const header = [
      "ID",
      "STATUS",
      "KIND",
      "SCHEDULE",
      "DURATION",
      "APPLICATIONS",
      "NAMESPACES",
      "CLUSTERS",
      "MANUALSYNC",
      "TIMEZONE",
    ];
    const shown = () => table([header, ...rows]);
    session.io.out(formatted(output, syncWindows, { wide: shown, "": shown }));
    return 0;
  },
});

export const projRoles = command({
  path: "proj role list",
  use: "PROJECT",
  summary: "List the roles of a project",
  examples: ["argocd proj role list shop"],
  args: [1, 1],
  flags: { output: wide },
  async run([name = ""], { output }, session) {
    const { roles = [] } = (await projectOf(session, name)).spec;
    const rows = roles.map((role) => [role.name, role.description ?? ""]);
    const shown = () => table([["ROLE-NAME", "DESCRIPTION"], ...rows]);
    const names = () => roles.map((role) => `${role.name}\n`).join("");
    session.io.out(formatted(output, roles, { wide: shown, "": shown, name: names }));
    return 0;
  },
});

import { Application, AppProject, isActive, renderProject, renderProjectList } from "@tracegate/gitops";
import { isNotFound, jsonEqual } from "@tracegate/kube";
import type { CobraCommand } from "../cobra/command.ts";
import { Fatal } from "./fatal.ts";
import { formatted, table } from "./output.ts";
import { command, controlPlane, outputFlag, type Session } from "./session.ts";

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

export const projCreate = command({
  path: "proj create",
  use: "PROJECT",
  summary: "Make a project",
  examples: [
    "argocd proj create shop -d https://kubernetes.default.svc,shop -s https://git.example/shop.git",
  ],
  args: [1, 1],
  flags: {
    description: { type: "string", help: "what it is for" },
    dest: { type: "stringArray", short: "d", help: "SERVER,NAMESPACE to deploy to" },
    src: { type: "stringArray", short: "s", help: "a repository to deploy from" },
    "orphaned-resources": { type: "bool", help: "look for what belongs to no Application" },
    upsert: { type: "bool", help: "change a project that is there" },
  },
  async run([name = ""], flags, { client }) {
    const spec: Spec = {
      ...(flags.src.length === 0 ? {} : { sourceRepos: [...flags.src] }),
      ...(flags.dest.length === 0 ? {} : { destinations: flags.dest.map(destinationOf) }),
      ...(flags.description === "" ? {} : { description: flags.description }),
      ...(flags["orphaned-resources"] ? { orphanedResources: {} } : {}),
    };
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

/** A command that changes a project's spec, or says why there is nothing to change. */
function change(
  verb: string,
  use: string,
  summary: string,
  example: string,
  changed: (spec: Spec, args: readonly string[]) => { readonly spec?: Spec; readonly told?: string },
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

type KindList =
  | "clusterResourceWhitelist"
  | "clusterResourceBlacklist"
  | "namespaceResourceWhitelist"
  | "namespaceResourceBlacklist";

/** `allow-…-resource` and `deny-…-resource`: in one of two lists, and out of the other. */
const kindChange = (verb: string, own: KindList, other: KindList, what: string, adds: boolean) =>
  change(
    verb,
    "PROJECT GROUP KIND",
    `Change the ${what} of a project`,
    "shop apps Deployment",
    (spec, [group = "", kind = ""]) => {
      const isIt = (entry: { group: string; kind: string }) => entry.group === group && entry.kind === kind;
      const list = spec[own] ?? [];
      const words = `Group '${group}' and kind '${kind}'`;
      if (adds && list.some(isIt)) return { told: `${words} already present in ${what}` };
      if (!adds && !(spec[other] ?? []).some(isIt) && list.some(isIt))
        return { told: `${words} not in ${what}` };
      const without = (spec[other] ?? []).filter((entry) => !isIt(entry));
      return {
        spec: {
          ...spec,
          [own]: [...list, { group, kind }],
          ...(spec[other] === undefined ? {} : { [other]: without }),
        },
        told: `${words} is added to ${what}`,
      };
    },
  );

export const projectChanges: readonly CobraCommand<Session>[] = [
  change(
    "add-source",
    "PROJECT URL",
    "Let a project deploy from a repository",
    "shop https://git.example/shop.git",
    (spec, [url = ""]) =>
      spec.sourceRepos?.some((one) => one === "*" || one === url) === true
        ? { told: `Source repository '${url}' already allowed in project` }
        : { spec: { ...spec, sourceRepos: [...(spec.sourceRepos ?? []), url] } },
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
        throw new Fatal("Specified destination is already defined in project");
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
        throw new Fatal("Specified destination does not exist in project");
      return { spec: { ...spec, destinations: left } };
    },
  ),
  kindChange(
    "allow-cluster-resource",
    "clusterResourceWhitelist",
    "clusterResourceBlacklist",
    "allowed cluster resources",
    true,
  ),
  kindChange(
    "deny-cluster-resource",
    "clusterResourceBlacklist",
    "clusterResourceWhitelist",
    "denied cluster resources",
    true,
  ),
  kindChange(
    "allow-namespace-resource",
    "namespaceResourceWhitelist",
    "namespaceResourceBlacklist",
    "allowed namespaced resources",
    true,
  ),
  kindChange(
    "deny-namespace-resource",
    "namespaceResourceBlacklist",
    "namespaceResourceWhitelist",
    "denied namespaced resources",
    true,
  ),
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

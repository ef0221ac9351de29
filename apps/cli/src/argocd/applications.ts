import {
  Application,
  readHealth,
  renderOperation,
  renderResources,
  renderSummary,
  renderTree,
  requestRefresh,
} from "@tracegate/gitops";
import type { Ref } from "@tracegate/kube";
import { Fatal } from "./fatal.ts";
import { ownedObjects } from "./owned-objects.ts";
import { controlPlane, type Session } from "./session.ts";

/** `NAME` or `NAMESPACE/NAME`. */
export function refOf(text: string, appNamespace: string): Ref & { readonly namespace: string } {
  const slash = text.indexOf("/");
  if (slash > 0) return { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
  return { namespace: appNamespace || controlPlane, name: text };
}

/** How often it is looked whether the controller has done what it was asked for. */
const lookEveryMs = 50;

/** Asks for a comparison and waits for it: the controller takes the annotation away when it has compared. */
export async function refresh(session: Session, ref: Ref, how: "normal" | "hard"): Promise<Application> {
  const { client, clock, io } = session;
  await requestRefresh(client, ref, how);
  for (;;) {
    const application = await client.get(Application, ref);
    if (application.metadata.annotations?.["argocd.argoproj.io/refresh"] === undefined) return application;
    await clock.after(lookEveryMs, io.signal);
  }
}

/** How `sync`, `wait` and `rollback` may tell of the resources at their end. */
export const finalOutputs: readonly string[] = ["", "wide", "json", "yaml", "tree", "tree=detailed"];

/** What `sync`, `wait` and `rollback` print at their end: the block, the operation where one was waited for, the resources. */
export async function finalState(
  { client, server }: Session,
  application: Application,
  shown: { readonly operation: boolean; readonly path: string; readonly output: string },
): Promise<string> {
  const health = await readHealth(client, application);
  const table = shown.output.startsWith("tree")
    ? renderTree(application, health, await ownedObjects(client, application))
    : finalOutputs.includes(shown.output)
      ? renderResources(application, health)
      : [];
  const lines = [
    "",
    ...renderSummary(application, `${server}/applications/${shown.path}`),
    "",
    ...(shown.operation ? renderOperation(application) : []),
    ...(table.length > 0 ? ["", ...table] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** The Applications that names choose, then those that a selector or projects do; a command needs one of them. */
export async function chosen(
  { client }: Session,
  names: readonly string[],
  selector: string,
  appNamespace: string,
  { mayBeNone = false, projects = [] }: { mayBeNone?: boolean; projects?: readonly string[] } = {},
): Promise<Application[]> {
  const named = await Promise.all(names.map((name) => client.get(Application, refOf(name, appNamespace))));
  if (selector === "" && projects.length === 0) return named;
  const { items } = await client.list(Application, {
    namespace: appNamespace || controlPlane,
    ...(selector === "" ? {} : { labelSelector: selector }),
  });
  const found = items.filter(({ spec }) => projects.length === 0 || projects.includes(spec.project));
  if (found.length === 0 && !mayBeNone) {
    const filters = [
      ...(selector === "" ? [] : [`selector ${selector}`]),
      ...(projects.length === 0 ? [] : [`projects [${projects.join(" ")}]`]),
    ];
    throw new Fatal(`No matching apps found for filter: ${filters.join(" ")}`, 1);
  }
  return [...named, ...found];
}

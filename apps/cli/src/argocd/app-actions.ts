import { Application, type KindOfResource, listAt, resourceKinds, valueAt } from "@tracegate/gitops";
import { formatTime, isNotFound, type KubeObject, type Patch } from "@tracegate/kube";
import { patchOf } from "./app-change.ts";
import { refOf } from "./applications.ts";
import { Fatal } from "./fatal.ts";
import { table } from "./output.ts";
import { appNamespace, command, logLine, type Session } from "./session.ts";

const chosenResource = {
  group: { type: "string", help: "the group" },
  kind: { type: "string", help: "the kind" },
  namespace: { type: "string", help: "the namespace" },
  "resource-name": { type: "string", help: "the name" },
  all: { type: "bool", help: "all that match, not one" },
  "app-namespace": appNamespace,
} as const;

interface Choice {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly "resource-name": string;
}

/** A live object of an Application, and how it is addressed. */
interface Found {
  readonly kind: KindOfResource;
  readonly live: KubeObject;
}

/** The live objects of an Application's resources that flags choose. */
async function chosenObjects(
  { client }: Session,
  application: Application,
  choice: Choice,
): Promise<Found[]> {
  const kinds = await resourceKinds(client);
  const found: Found[] = [];
  for (const { group = "", version, kind, namespace = "", name } of application.status?.resources ?? []) {
    const agrees =
      (choice.group === "" || choice.group === group) &&
      (choice.kind === "" || choice.kind === kind) &&
      (choice.namespace === "" || choice.namespace === namespace) &&
      (choice["resource-name"] === "" || choice["resource-name"] === name);
    const known = agrees
      ? kinds({ apiVersion: group === "" ? version : `${group}/${version}`, kind })
      : undefined;
    if (known === undefined) continue;
    try {
      const live = await client.get(known, known.namespaced ? { namespace, name } : { name });
      found.push({ kind: known, live: { ...live, kind } });
    } catch (error) {
      if (!isNotFound(error)) throw error; // what is not there is not chosen
    }
  }
  return found;
}

/** What can be done to an object beside applying it. */
interface Action {
  readonly name: string;
  /** It can be run, but is not told of. */
  readonly unlisted?: boolean;
  readonly disabled?: boolean;
  /** Absent where more than its name would have to be said. */
  readonly patch?: { readonly body: object; readonly status?: boolean };
}

function actionsOf({ kind, ...live }: KubeObject, now: string): readonly Action[] {
  const restart: Action = {
    name: "restart",
    patch: {
      body: {
        spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": now } } } },
      },
    },
  };
  const paused = valueAt(live, "spec", "paused") === true;
  switch (kind) {
    case "Deployment":
      return [
        restart,
        { name: "resume", disabled: !paused, patch: { body: { spec: { paused: false } } } },
        { name: "scale" },
        { name: "pause", unlisted: true, patch: { body: { spec: { paused: true } } } },
      ];
    case "StatefulSet":
      return [restart, { name: "scale" }];
    case "DaemonSet":
      return [restart];
    case "Rollout":
      return rolloutActions(live, now);
    default:
      return [];
  }
}

function rolloutActions(live: object, now: string): readonly Action[] {
  const pauses = listAt(live, "status", "pauseConditions");
  const held = valueAt(live, "status", "pauseConditions") !== undefined;
  const paused = valueAt(live, "spec", "paused") === true;
  const waits = held ? pauses.length > 0 : paused;
  const aborted = valueAt(live, "status", "abort") === true;
  const settled = valueAt(live, "status", "currentPodHash") === valueAt(live, "status", "stableRS");
  const step = Number(valueAt(live, "status", "currentStepIndex") ?? 0);
  const steps = listAt(live, "spec", "strategy", "canary", "steps").length;
  return [
    {
      name: "abort",
      disabled: aborted || settled,
      patch: { body: { status: { abort: true } }, status: true },
    },
    { name: "pause", disabled: settled || aborted || paused, patch: { body: { spec: { paused: true } } } },
    {
      name: "promote-full",
      disabled: settled,
      patch: { body: { status: { promoteFull: true } }, status: true },
    },
    { name: "restart", patch: { body: { spec: { restartAt: now } } } },
    {
      name: "resume",
      disabled: !waits,
      patch: { body: { status: { pauseConditions: null } }, status: true },
    },
    {
      name: "retry",
      disabled: settled || !aborted,
      patch: { body: { status: { abort: false } }, status: true },
    },
    {
      name: "skip-current-step",
      disabled: steps === 0 || step === steps,
      patch: { body: { status: { pauseConditions: null, currentStepIndex: step + 1 } }, status: true },
    },
  ];
}

export const actionsList = command({
  path: "app actions list",
  use: "APPNAME",
  summary: "List what can be done to the resources of an Application",
  examples: ["argocd app actions list hotrod --kind Rollout"],
  args: [1, 1],
  flags: chosenResource,
  async run([text = ""], flags, session) {
    const application = await session.client.get(Application, refOf(text, flags["app-namespace"]));
    const now = formatTime(session.clock.now());
    const rows = (await chosenObjects(session, application, flags)).flatMap(({ kind, live }) =>
      actionsOf(live, now)
        .filter(({ unlisted }) => unlisted !== true)
        .map(({ name, disabled = false }) => [
          kind.group,
          kind.kind,
          live.metadata.name,
          name,
          String(disabled),
        ]),
    );
    session.io.out(table([["GROUP", "KIND", "NAME", "ACTION", "DISABLED"], ...rows]));
    return 0;
  },
});

export const actionsRun = command({
  path: "app actions run",
  use: "APPNAME ACTION",
  summary: "Do something to resources of an Application",
  examples: ["argocd app actions run hotrod restart --kind Rollout --resource-name hotrod"],
  args: [2, 2],
  flags: chosenResource,
  async run([text = "", wanted = ""], flags, session) {
    const application = await session.client.get(Application, refOf(text, flags["app-namespace"]));
    const found = await oneUnlessAll(session, application, flags);
    const now = formatTime(session.clock.now());
    for (const { kind, live } of found) {
      const action = actionsOf(live, now).find(({ name }) => name === wanted);
      if (action === undefined)
        throw new Fatal(
          "rpc error: code = Unknown desc = error getting Lua resource action: built-in script does not exist",
        );
      if (action.patch === undefined)
        throw new Fatal(`action '${wanted}' is not supported: use kubectl ${wanted}`);
      const { body, status } = action.patch;
      const patch: Patch = { type: "merge", body };
      await session.client.patch(
        kind,
        live.metadata,
        patch,
        status === true ? { subresource: "status" } : {},
      );
    }
    return 0;
  },
});

async function oneUnlessAll(
  session: Session,
  application: Application,
  flags: Choice & { readonly all: boolean },
): Promise<Found[]> {
  const found = await chosenObjects(session, application, flags);
  if (found.length === 0) throw new Fatal("no matching resource found");
  if (found.length > 1 && !flags.all)
    throw new Fatal("multiple resources match inputs. Use the --all flag to operate on all of them");
  return found;
}

export const deleteResource = command({
  path: "app delete-resource",
  use: "APPNAME",
  summary: "Delete live objects of an Application",
  examples: ["argocd app delete-resource hotrod --kind Service --resource-name hotrod"],
  args: [1, 1],
  flags: {
    ...chosenResource,
    force: { type: "bool", help: "at once" },
    orphan: { type: "bool", help: "leave what belongs to it" },
  },
  async run([text = ""], flags, session) {
    const { client, clock, io } = session;
    const application = await client.get(Application, refOf(text, flags["app-namespace"]));
    for (const { kind, live } of await oneUnlessAll(session, application, flags)) {
      await client.delete(kind, live.metadata, {
        propagationPolicy: flags.orphan ? "Orphan" : "Foreground",
        ...(flags.force ? { gracePeriodSeconds: 0 } : {}),
      });
      io.err(logLine("info", `Resource '${live.metadata.name}' deleted`, clock));
    }
    return 0;
  },
});

export const patchResource = command({
  path: "app patch-resource",
  use: "APPNAME",
  summary: "Patch live objects of an Application",
  examples: [
    `argocd app patch-resource hotrod --kind Service --resource-name hotrod --patch '{"metadata":{"labels":{"x":"y"}}}'`,
  ],
  args: [1, 1],
  flags: {
    ...chosenResource,
    patch: { type: "string", help: "the patch" },
    "patch-type": { type: "string", default: "application/merge-patch+json", help: "its content type" },
  },
  async run([text = ""], flags, session) {
    const { client, clock, io } = session;
    const application = await client.get(Application, refOf(text, flags["app-namespace"]));
    const patch = patchOf(flags["patch-type"], flags.patch);
    for (const { kind, live } of await oneUnlessAll(session, application, flags)) {
      await client.patch(kind, live.metadata, patch);
      io.err(logLine("info", `Resource '${live.metadata.name}' patched`, clock));
    }
    return 0;
  },
});

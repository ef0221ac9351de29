import { Application } from "@tracegate/gitops";
import { refOf } from "./applications.ts";
import { appNamespace, command, controlPlane, Fatal } from "./session.ts";

const cascading = "resources-finalizer.argocd.argoproj.io";
const inBackground = `${cascading}/background`;

export const appDelete = command({
  path: "app delete",
  use: "APPNAME...",
  summary: "Delete Applications and, unless told otherwise, all that they deployed",
  examples: ["argocd app delete hotrod -y", "argocd app delete hotrod --cascade=false"],
  args: [1, Number.POSITIVE_INFINITY],
  flags: {
    cascade: { type: "bool", default: true, help: "delete what was deployed, too" },
    "propagation-policy": {
      type: "string",
      short: "p",
      default: "foreground",
      help: "one of: foreground|background",
    },
    yes: { type: "bool", short: "y", help: "do not ask" },
    "app-namespace": appNamespace,
  },
  async run(names, flags, { client, io, ask }) {
    const policy = flags["propagation-policy"];
    if (policy !== "foreground" && policy !== "background")
      throw new Fatal(`invalid propagation policy: ${policy}`);
    for (const text of names) {
      const ref = refOf(text, flags["app-namespace"]);
      const { metadata } = await client.get(Application, ref);
      const answer = flags.yes
        ? "y"
        : await ask(`Are you sure you want to delete '${text}' and all its resources? [y/n] `);
      if (answer !== undefined && !/^y(es)?$/i.test(answer.trim())) {
        io.out(`The command to delete '${text}' was cancelled.\n`);
        continue;
      }
      const others = (metadata.finalizers ?? []).filter(
        (name) => name !== cascading && name !== inBackground,
      );
      const own = !flags.cascade ? [] : [policy === "background" ? inBackground : cascading];
      await client.patch(Application, ref, {
        type: "merge",
        body: { metadata: { resourceVersion: metadata.resourceVersion, finalizers: [...others, ...own] } },
      });
      await client.delete(Application, ref);
      io.out(`application '${ref.name}' deleted\n`);
    }
    return 0;
  },
});

export const appSet = command({
  path: "app set",
  use: "APPNAME",
  summary: "Change the spec of an Application",
  examples: [
    "argocd app set hotrod --revision v2",
    "argocd app set hotrod --sync-policy automated --auto-prune --self-heal",
  ],
  args: [1, 1],
  flags: {
    repo: { type: "string", help: "the repository" },
    path: { type: "string", help: "the folder in it" },
    revision: { type: "string", help: "the commit, branch or tag" },
    "dest-server": { type: "string", help: "the cluster's address" },
    "dest-namespace": { type: "string", help: "the namespace to deploy to" },
    project: { type: "string", help: "the project" },
    "sync-policy": { type: "string", help: "one of: manual|none|automated|auto|automatic" },
    "auto-prune": { type: "bool", help: "delete what Git no longer has, with automated sync" },
    "self-heal": { type: "bool", help: "take back what others change, with automated sync" },
    "allow-empty": { type: "bool", help: "let automated sync delete everything" },
    "sync-option": { type: "strings", help: "an option, or !OPTION to take it away" },
    "kustomize-image": { type: "strings", help: "an image that kustomize puts in" },
    "app-namespace": appNamespace,
  },
  async run([text = ""], flags, { client, given }) {
    const changes = [...given].filter((name) => name !== "app-namespace");
    if (changes.length === 0) throw new Fatal("Please set at least one option to update", 1);
    const ref = refOf(text, flags["app-namespace"] || controlPlane);
    const { metadata, spec } = await client.get(Application, ref);
    const has = (name: keyof typeof flags & string) => given.has(name);
    const source = {
      ...(has("repo") && { repoURL: flags.repo }),
      ...(has("path") && { path: flags.path }),
      ...(has("revision") && { targetRevision: flags.revision }),
      ...(has("kustomize-image") && {
        kustomize: { images: replacedImages(spec.source?.kustomize?.images ?? [], flags["kustomize-image"]) },
      }),
    };
    const policy = flags["sync-policy"];
    let automated: Record<string, boolean> | null | undefined;
    if (has("sync-policy")) {
      if (policy === "manual" || policy === "none") automated = null;
      else if (["automated", "auto", "automatic"].includes(policy)) automated = {};
      else throw new Fatal(`Invalid sync-policy: ${policy}`);
    }
    for (const [flag, field] of [
      ["auto-prune", "prune"],
      ["self-heal", "selfHeal"],
      ["allow-empty", "allowEmpty"],
    ] as const) {
      if (!has(flag)) continue;
      if (automated === null || (automated === undefined && spec.syncPolicy?.automated === undefined))
        throw new Fatal(`Cannot set --${flag}: application not configured with automatic sync`);
      automated = { ...automated, [field]: flags[flag] };
    }
    const options = flags["sync-option"];
    const syncPolicy = {
      ...(automated === undefined ? {} : { automated }),
      ...(options.length > 0 && { syncOptions: changedOptions(spec.syncPolicy?.syncOptions ?? [], options) }),
    };
    const destination = {
      ...(has("dest-server") && { server: flags["dest-server"] }),
      ...(has("dest-namespace") && { namespace: flags["dest-namespace"] }),
    };
    const body = {
      metadata: { resourceVersion: metadata.resourceVersion },
      spec: {
        ...(has("project") && { project: flags.project }),
        ...(Object.keys(source).length > 0 && { source }),
        ...(Object.keys(destination).length > 0 && { destination }),
        ...(Object.keys(syncPolicy).length > 0 && { syncPolicy }),
      },
    };
    await client.patch(Application, ref, { type: "merge", body });
    return 0;
  },
});

/** An image's name, without what it is replaced by. */
const imageName = (image: string): string => image.split(/[=@]|:(?=[^/]*$)/)[0] ?? image;

const replacedImages = (images: readonly string[], changes: readonly string[]): string[] => [
  ...images.filter((image) => !changes.some((change) => imageName(change) === imageName(image))),
  ...changes,
];

const changedOptions = (options: readonly string[], changes: readonly string[]): string[] => {
  const touched = new Set(changes.map((change) => change.replace(/^!/, "").split("=")[0]));
  return [
    ...options.filter((option) => !touched.has(option.split("=")[0])),
    ...changes.filter((change) => !change.startsWith("!")),
  ];
};

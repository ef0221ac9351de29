import type { Application, ApplicationSource, SyncPolicy } from "@tracegate/gitops";
import type { FlagSpecs, FlagValues } from "../cobra/command.ts";
import { Fatal } from "./fatal.ts";

const text = (help: string) => ({ type: "string", help }) as const;
const texts = (help: string) => ({ type: "stringArray", help }) as const;
const on = (help: string) => ({ type: "bool", help }) as const;
const count = (help: string) => ({ type: "number", help }) as const;

/** The flags of `app create` and `app set` that say what an Application is to be. */
export const sourceFlags = {
  repo: text("the repository"),
  path: text("the folder in it"),
  revision: text("the commit, branch or tag"),
  "dest-server": text("the cluster's address"),
  "dest-name": text("the cluster's name"),
  "dest-namespace": text("the namespace to deploy to"),
  project: text("the project"),
  "sync-policy": text("one of: manual|none|automated|auto|automatic"),
  "auto-prune": on("delete what Git no longer has, with automated sync"),
  "self-heal": on("take back what others change, with automated sync"),
  "allow-empty": on("let automated sync delete everything"),
  "sync-option": texts("an option, or !OPTION to take it away"),
  "sync-retry-limit": count("how often a failed sync is tried again"),
  "sync-retry-backoff-duration": { ...text("the wait before the first retry"), default: "5s" },
  "sync-retry-backoff-max-duration": { ...text("the longest wait"), default: "3m0s" },
  "sync-retry-backoff-factor": { ...count("what each wait is longer than the one before"), default: 2 },
  "revision-history-limit": { ...count("how many deployments are remembered"), default: 10 },
  "directory-recurse": on("read the folders in the folder, too"),
  "directory-include": text("only files of this pattern"),
  "directory-exclude": text("no files of this pattern"),
  nameprefix: text("what kustomize puts before names"),
  namesuffix: text("what kustomize puts after names"),
  "kustomize-image": texts("an image that kustomize puts in"),
  "kustomize-namespace": text("the namespace that kustomize sets"),
  "kustomize-replica": texts("NAME=COUNT of replicas"),
  "kustomize-common-label": texts("KEY=VALUE on everything"),
  "kustomize-common-annotation": texts("KEY=VALUE on everything"),
  "kustomize-force-common-label": on("override labels that are there"),
  "kustomize-force-common-annotation": on("override annotations that are there"),
  "kustomize-label-without-selector": on("keep labels out of selectors"),
  "kustomize-label-include-templates": on("put labels on pod templates"),
  validate: { type: "bool", default: true, help: "refuse what cannot be rendered" },
} as const satisfies FlagSpecs;

/** Flags of the original for sources that nothing here works with: known, so that they are refused by name. */
export const refusedFlags = Object.fromEntries(
  [
    ...[
      "helm-set",
      "helm-set-string",
      "helm-set-file",
      "helm-api-versions",
      "values",
      "parameter",
      "plugin-env",
    ],
    ...["jsonnet-ext-var-code", "jsonnet-ext-var-str", "jsonnet-libs", "jsonnet-tla-code", "jsonnet-tla-str"],
    ...[
      "helm-chart",
      "helm-version",
      "helm-kube-version",
      "helm-namespace",
      "release-name",
      "values-literal-file",
    ],
    ...["config-management-plugin", "env", "ref", "source-name", "source-position", "kustomize-version"],
    ...["kustomize-kube-version", "dry-source-repo", "dry-source-path", "dry-source-revision"],
    ...["sync-source-branch", "sync-source-path", "hydrate-to-branch"],
  ].map((name) => [
    name,
    { type: "string", help: "refused: only Git, plain manifests and kustomize are worked with" },
  ]),
) satisfies FlagSpecs;

export type SourceFlags = FlagValues<typeof sourceFlags>;

/** Ends the command where a flag asks for what is not worked with. */
export function refuseFlags(given: ReadonlySet<string>): void {
  const refused = Object.keys(refusedFlags).find((name) => given.has(name));
  if (refused !== undefined)
    throw new Fatal(`--${refused} is not supported: commit rendered manifests or a kustomization`);
}

/** The spec with what the flags change; fields that end up empty are gone. */
export function changedSpec(
  spec: Application["spec"],
  flags: SourceFlags,
  given: ReadonlySet<string>,
): Application["spec"] {
  const value = <K extends keyof SourceFlags>(name: K) => (given.has(name) ? { [name]: flags[name] } : {});
  const chosen = (field: string, name: keyof SourceFlags) =>
    given.has(name) ? { [field]: Object.values(value(name))[0] } : {};
  const source: ApplicationSource = {
    ...(spec.source ?? { repoURL: "" }),
    ...chosen("repoURL", "repo"),
    ...chosen("path", "path"),
    ...chosen("targetRevision", "revision"),
  };
  const directory = {
    ...source.directory,
    ...chosen("recurse", "directory-recurse"),
    ...chosen("include", "directory-include"),
    ...chosen("exclude", "directory-exclude"),
  };
  const kustomize = changedKustomize(source.kustomize ?? {}, flags, given, chosen);
  const { directory: _directory, kustomize: _kustomize, ...plain } = source;
  const { syncPolicy: _policy, ...rest } = spec;
  const syncPolicy = changedPolicy(spec.syncPolicy ?? {}, flags, given);
  return {
    ...rest,
    ...chosen("project", "project"),
    ...chosen("revisionHistoryLimit", "revision-history-limit"),
    destination: {
      ...spec.destination,
      ...chosen("server", "dest-server"),
      ...chosen("name", "dest-name"),
      ...chosen("namespace", "dest-namespace"),
    },
    source: {
      ...plain,
      ...(isBare(directory) ? {} : { directory }),
      ...(isBare(kustomize) ? {} : { kustomize }),
    },
    ...(isBare(syncPolicy) ? {} : { syncPolicy }),
  };
}

const isBare = (value: object): boolean => Object.keys(value).length === 0;

type Kustomize = NonNullable<ApplicationSource["kustomize"]>;

function changedKustomize(
  before: Kustomize,
  flags: SourceFlags,
  given: ReadonlySet<string>,
  chosen: (field: string, name: keyof SourceFlags) => object,
): Kustomize {
  const replicas = flags["kustomize-replica"].map((entry) => {
    const [name = "", replicaCount = ""] = pairOf(entry, "replica");
    if (!/^\d+$/.test(replicaCount))
      throw new Fatal(`expected integer value for count. Received: ${replicaCount}`, 1);
    return { name, count: Number(replicaCount) };
  });
  const pairs = (entries: readonly string[], what: string) =>
    Object.fromEntries(entries.map((entry) => pairOf(entry, what)));
  return {
    ...before,
    ...chosen("namePrefix", "nameprefix"),
    ...chosen("nameSuffix", "namesuffix"),
    ...chosen("namespace", "kustomize-namespace"),
    ...chosen("forceCommonLabels", "kustomize-force-common-label"),
    ...chosen("forceCommonAnnotations", "kustomize-force-common-annotation"),
    ...chosen("labelWithoutSelector", "kustomize-label-without-selector"),
    ...chosen("labelIncludeTemplates", "kustomize-label-include-templates"),
    ...(given.has("kustomize-image") && {
      images: replacedImages(before.images ?? [], flags["kustomize-image"]),
    }),
    ...(given.has("kustomize-replica") && {
      replicas: [
        ...(before.replicas ?? []).filter(({ name }) => !replicas.some((one) => one.name === name)),
        ...replicas,
      ],
    }),
    ...(given.has("kustomize-common-label") && {
      commonLabels: pairs(flags["kustomize-common-label"], "label"),
    }),
    ...(given.has("kustomize-common-annotation") && {
      commonAnnotations: pairs(flags["kustomize-common-annotation"], "annotation"),
    }),
  };
}

/** `KEY=VALUE`. */
export function pairOf(entry: string, what: string): [string, string] {
  const equals = entry.indexOf("=");
  if (equals <= 0) throw new Fatal(`cannot parse ${what}: ${entry}`, 1);
  return [entry.slice(0, equals), entry.slice(equals + 1)];
}

function changedPolicy(before: SyncPolicy, flags: SourceFlags, given: ReadonlySet<string>): SyncPolicy {
  let { automated, ...policy } = before;
  if (given.has("sync-policy")) {
    const wanted = flags["sync-policy"];
    if (wanted === "manual" || wanted === "none") automated = undefined;
    else if (["automated", "auto", "automatic"].includes(wanted)) automated = {};
    else throw new Fatal(`Invalid sync-policy: ${wanted}`, 1);
  }
  for (const [flag, field] of [
    ["auto-prune", "prune"],
    ["self-heal", "selfHeal"],
    ["allow-empty", "allowEmpty"],
  ] as const) {
    if (!given.has(flag)) continue;
    if (automated === undefined)
      throw new Fatal(`Cannot set --${flag}: application not configured with automatic sync`, 1);
    automated = { ...automated, [field]: flags[flag] };
  }
  if (given.has("sync-option")) {
    const { syncOptions = [], ...others } = policy;
    const changed = changedOptions(syncOptions, flags["sync-option"]);
    policy = { ...others, ...(changed.length === 0 ? {} : { syncOptions: changed }) };
  }
  if (given.has("sync-retry-limit")) {
    const limit = flags["sync-retry-limit"];
    const { retry: _retry, ...others } = policy;
    const backoff = {
      duration: flags["sync-retry-backoff-duration"],
      factor: flags["sync-retry-backoff-factor"],
      maxDuration: flags["sync-retry-backoff-max-duration"],
    };
    policy = limit === 0 ? others : { ...others, retry: { limit, backoff } };
  }
  return { ...(automated === undefined ? {} : { automated }), ...policy };
}

/** An image's name, without what it is replaced by. */
export const imageName = (image: string): string => image.split(/[=@]|:(?=[^/]*$)/)[0] ?? image;

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

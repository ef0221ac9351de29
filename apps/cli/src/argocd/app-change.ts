import { Application } from "@tracegate/gitops";
import {
  applyJsonPatch,
  applyMergePatch,
  formatTime,
  type KubeObject,
  type Patch,
  parseJsonPatch,
  parseJsonText,
} from "@tracegate/kube";
import { UsageError } from "../cobra/command.ts";
import { refuseInvalid } from "./app-create.ts";
import { refOf } from "./applications.ts";
import { Fatal } from "./fatal.ts";
import { goYaml } from "./output.ts";
import { appNamespace, command, controlPlane, logLine } from "./session.ts";
import { changedSpec, imageName, refusedFlags, refuseFlags, sourceFlags } from "./source-flags.ts";

const oneApplication = { use: "APPNAME", args: [1, 1] } as const;

export const appSet = command({
  ...oneApplication,
  path: "app set",
  summary: "Change the spec of an Application",
  examples: [
    "argocd app set hotrod --revision v2",
    "argocd app set hotrod --sync-policy automated --auto-prune --self-heal",
  ],
  flags: { ...sourceFlags, ...refusedFlags, "app-namespace": appNamespace },
  async run([text = ""], flags, session) {
    const { client, given, io } = session;
    refuseFlags(given);
    const ref = refOf(text, flags["app-namespace"] || controlPlane);
    const application = await client.get(Application, ref);
    const changes = [...given].filter((name) => name !== "app-namespace" && name !== "validate");
    if (changes.length === 0) {
      io.err(logLine("error", "Please set at least one option to update", session.clock));
      throw new UsageError("");
    }
    const changed = { ...application, spec: changedSpec(application.spec, flags, given) };
    await refuseInvalid(session, changed, flags.validate);
    await client.update(Application, changed);
    return 0;
  },
});

export const appUnset = command({
  ...oneApplication,
  path: "app unset",
  use: "APPNAME parameters",
  summary: "Take settings of kustomize out of an Application",
  examples: ["argocd app unset hotrod --namesuffix", "argocd app unset hotrod --kustomize-image web"],
  flags: {
    nameprefix: { type: "bool", help: "the name prefix" },
    namesuffix: { type: "bool", help: "the name suffix" },
    "kustomize-namespace": { type: "bool", help: "the namespace" },
    "kustomize-image": { type: "stringArray", help: "an image" },
    "kustomize-replica": { type: "stringArray", help: "the replicas of a name" },
    "app-namespace": appNamespace,
  },
  async run([text = ""], flags, { client }) {
    const application = await client.get(Application, refOf(text, flags["app-namespace"]));
    const { source } = application.spec;
    if (source?.kustomize === undefined) return 0;
    const { namePrefix, nameSuffix, namespace, images = [], replicas = [], ...others } = source.kustomize;
    const imagesLeft = images.filter(
      (image) => !flags["kustomize-image"].some((name) => imageName(name) === imageName(image)),
    );
    const replicasLeft = replicas.filter(({ name }) => !flags["kustomize-replica"].includes(name));
    const kustomize = {
      ...others,
      ...(namePrefix === undefined || flags.nameprefix ? {} : { namePrefix }),
      ...(nameSuffix === undefined || flags.namesuffix ? {} : { nameSuffix }),
      ...(namespace === undefined || flags["kustomize-namespace"] ? {} : { namespace }),
      ...(imagesLeft.length === 0 ? {} : { images: imagesLeft }),
      ...(replicasLeft.length === 0 ? {} : { replicas: replicasLeft }),
    };
    const { kustomize: _before, ...plain } = source;
    const bare = Object.keys(kustomize).length === 0;
    const changed = { ...application.spec, source: bare ? plain : { ...plain, kustomize } };
    await client.update(Application, { ...application, spec: changed });
    return 0;
  },
});

export const appPatch = command({
  ...oneApplication,
  path: "app patch",
  summary: "Patch an Application and print it",
  examples: [`argocd app patch hotrod --type merge --patch '{"spec":{"revisionHistoryLimit":5}}'`],
  flags: {
    patch: { type: "string", help: "the patch" },
    type: { type: "string", default: "json", help: "one of: json|merge" },
    "app-namespace": appNamespace,
  },
  async run([text = ""], flags, session) {
    const { client, io } = session;
    const ref = refOf(text, flags["app-namespace"]);
    const patch = applicationPatch(flags.type, flags.patch);
    const application = await client.get(Application, ref);
    const changed =
      patch.type === "json"
        ? applyJsonPatch(application, patch.operations)
        : applyMergePatch(application, patch.body);
    await refuseInvalid(session, changed as Application, true); // the API refuses what is none
    const patched = await client.patch(Application, ref, patch);
    const { apiVersion: _apiVersion, kind: _kind, ...printed }: KubeObject = patched;
    io.out(`${goYaml(printed)}\n`);
    return 0;
  },
});

/** A patch of an Application, refused in the words of the original's server. */
function applicationPatch(type: string, text: string): Extract<Patch, { type: "json" | "merge" }> {
  const refuse = (code: string, reason: string) => new Fatal(`rpc error: code = ${code} desc = ${reason}`);
  if (type !== "json" && type !== "" && type !== "merge")
    throw refuse("InvalidArgument", `Patch type '${type}' is not supported`);
  let body: unknown;
  try {
    body = parseJsonText(text).value;
  } catch (error) {
    if (type === "merge") throw refuse("Unknown", "error calculating merge patch: Invalid JSON Patch");
    const reason = error instanceof Error ? error.message : String(error);
    throw refuse("Unknown", `error decoding json patch: ${reason}`);
  }
  return type === "merge" ? { type, body } : { type: "json", operations: parseJsonPatch(body) };
}

/** A patch as a flag has it. */
export function patchOf(type: string, text: string): Patch {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new Fatal(error instanceof Error ? error.message : String(error));
  }
  if (type === "json" || type === "application/json-patch+json")
    return { type: "json", operations: parseJsonPatch(body) };
  if (type === "merge" || type === "application/merge-patch+json") return { type: "merge", body };
  if (type === "application/strategic-merge-patch+json") return { type: "strategic", body };
  throw new Fatal(`patch type '${type}' is not supported: use json or merge`);
}

export const appConfirmDeletion = command({
  ...oneApplication,
  path: "app confirm-deletion",
  summary: "Approve of deletions that an Application waits with",
  examples: ["argocd app confirm-deletion hotrod"],
  flags: { "app-namespace": appNamespace },
  async run([text = ""], flags, { client, clock, io }) {
    const ref = refOf(text, flags["app-namespace"]);
    const annotations = { "argocd.argoproj.io/deletion-approved": formatTime(clock.now()) };
    await client.patch(Application, ref, { type: "merge", body: { metadata: { annotations } } });
    io.out(`Application '${ref.name}' updated successfully\n`);
    return 0;
  },
});

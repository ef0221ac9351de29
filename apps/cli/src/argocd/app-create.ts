import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Application, findProject, invalidDestination, stateReader } from "@tracegate/gitops";
import { isNotFound, jsonEqual, StatusError } from "@tracegate/kube";
import { parse } from "yaml";
import { UsageError } from "../cobra/command.ts";
import { refOf } from "./applications.ts";
import { Fatal } from "./fatal.ts";
import { appNamespace, command, type Session } from "./session.ts";
import { changedSpec, pairOf, refusedFlags, refuseFlags, sourceFlags } from "./source-flags.ts";

const finalizer = "resources-finalizer.argocd.argoproj.io";

export const appCreate = command({
  path: "app create",
  use: "APPNAME",
  summary: "Make an Application",
  examples: [
    "argocd app create shop --repo https://git.example/shop.git --path app --dest-server https://kubernetes.default.svc --dest-namespace shop",
    "argocd app create -f application.yaml",
  ],
  args: [0, 1],
  flags: {
    ...sourceFlags,
    ...refusedFlags,
    file: { type: "string", short: "f", help: "the Application's manifest" },
    name: { type: "string", help: "the name (better as the argument)" },
    label: { type: "stringArray", short: "l", help: "KEY=VALUE labels of the Application" },
    annotations: { type: "stringArray", help: "KEY=VALUE annotations of the Application" },
    "set-finalizer": { type: "bool", help: "delete what is deployed together with the Application" },
    upsert: { type: "bool", help: "change an Application that is there" },
    "app-namespace": appNamespace,
  },
  async run([named = ""], flags, session) {
    const { client, io, given } = session;
    refuseFlags(given);
    const wanted = flags.file === "" ? undefined : await fromFile(flags.file, session);
    const text = named || flags.name || (wanted?.metadata.name ?? "");
    if (text === "") throw new UsageError("");
    const ref = refOf(text, flags["app-namespace"] || (wanted?.metadata.namespace ?? ""));
    const empty = { project: "default", source: { repoURL: "" }, destination: {} };
    const pairs = (entries: readonly string[], what: string) =>
      entries.length === 0 ? undefined : Object.fromEntries(entries.map((entry) => pairOf(entry, what)));
    const labels = pairs(flags.label, "label") ?? wanted?.metadata.labels;
    const annotations = pairs(flags.annotations, "annotation") ?? wanted?.metadata.annotations;
    const finalizers = flags["set-finalizer"] ? [finalizer] : wanted?.metadata.finalizers;
    const application: Application = {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Application",
      metadata: {
        ...ref,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ...(finalizers === undefined ? {} : { finalizers }),
      },
      spec: changedSpec(wanted?.spec ?? empty, flags, given),
    };
    const existing = await client.get(Application, ref).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    await refuseInvalid(session, application, flags.validate);
    if (existing === undefined) {
      await client.create(Application, application).catch((error: unknown) => {
        if (!(error instanceof StatusError)) throw error;
        const message = `error creating application: ${error.message}`;
        throw new StatusError({ ...error.status, message });
      });
      io.out(`application '${ref.name}' created\n`);
    } else if (jsonEqual(existing.spec, application.spec)) {
      io.out(`application '${ref.name}' unchanged\n`);
    } else if (!flags.upsert) {
      throw new Fatal(
        "rpc error: code = InvalidArgument desc = existing application spec is different, use upsert flag to force update",
      );
    } else {
      const { metadata } = existing;
      await client.update(Application, {
        ...existing,
        metadata: { ...metadata, ...application.metadata },
        spec: application.spec,
      });
      io.out(`application '${ref.name}' updated\n`);
    }
    return 0;
  },
});

/** A manifest's file; `-` is not read, for commands take nothing from the terminal. */
async function fromFile(file: string, { io }: Session): Promise<Application> {
  let value: unknown;
  try {
    value = parse(await readFile(resolve(io.cwd, file), "utf8"));
  } catch (error) {
    throw new Fatal(error instanceof Error ? error.message : String(error));
  }
  const manifest = value as Partial<Application> | null; // the API checks what it is given
  if (manifest?.kind !== "Application" || manifest.metadata === undefined || manifest.spec === undefined)
    throw new Fatal(`${file} holds no Application`);
  return manifest as Application; // as just seen
}

/** Refuses what could not be worked with, as the original's server does before it stores anything. */
export async function refuseInvalid(
  { client, git }: Session,
  application: Application,
  validate: boolean,
): Promise<void> {
  const { metadata, spec } = application;
  const refuse = (reason: string) => new Fatal(`rpc error: code = InvalidArgument desc = ${reason}`);
  const project = await findProject(client, application);
  if (project === undefined)
    throw refuse(
      `app is not allowed in project ${JSON.stringify(spec.project)}, or the project does not exist`,
    );
  const destination = invalidDestination(spec.destination);
  if (destination !== undefined)
    throw refuse(`application destination spec for ${metadata.name} is invalid: ${destination}`);
  if (!validate) return;
  const state = await stateReader({ client, git }).read(application, {
    fresh: true,
    render: false,
    everyKind: false,
  });
  const spelled = `application spec for ${metadata.name} is invalid: InvalidSpecError: `;
  if (state.refused !== undefined) throw refuse(spelled + state.refused.message);
  if (state.targets !== undefined) return;
  const [condition] = state.conditions;
  const reason = (condition?.message ?? "").replace(
    /^Failed to load target state: failed to generate manifest for source 1 of 1: /,
    "",
  );
  throw refuse(`${spelled}Unable to generate manifests in ${spec.source?.path ?? ""}: ${reason}`);
}

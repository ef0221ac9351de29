import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ApplicationSet, renderApplicationSet, renderApplicationSetList } from "@tracegate/gitops";
import { isNotFound, jsonEqual } from "@tracegate/kube";
import { parseAllDocuments } from "yaml";
import { UsageError } from "../cobra/command.ts";
import { refOf } from "./applications.ts";
import { Fatal } from "./fatal.ts";
import { formatted } from "./output.ts";
import { command, controlPlane, outputFlag, type Session } from "./session.ts";

const wide = { ...outputFlag("json|yaml|wide|name"), default: "wide" } as const;

async function applicationSet({ client }: Session, text: string): Promise<ApplicationSet> {
  const ref = refOf(text, "");
  try {
    return await client.get(ApplicationSet, ref);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const reason = `error getting ApplicationSet: applicationset.argoproj.io "${ref.name}" not found`;
    throw new Fatal(`rpc error: code = NotFound desc = ${reason}`);
  }
}

export const appsetList = command({
  path: "appset list",
  summary: "List the ApplicationSets",
  examples: ["argocd appset list"],
  flags: {
    output: wide,
    selector: { type: "string", short: "l", help: "only those with these labels" },
    project: { type: "stringArray", short: "p", help: "only those of these projects" },
    "appset-namespace": { type: "string", short: "N", help: "namespace of the ApplicationSets" },
  },
  async run(_args, flags, { client, io }) {
    const found = await client.list(ApplicationSet, {
      namespace: flags["appset-namespace"] || controlPlane,
      ...(flags.selector === "" ? {} : { labelSelector: flags.selector }),
    });
    const items = found.items.filter(
      ({ spec }) => flags.project.length === 0 || flags.project.includes(spec.template.spec.project ?? ""),
    );
    const names = () => items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}\n`).join("");
    const texts = {
      wide: () => renderApplicationSetList(items),
      "": () => renderApplicationSetList(items, { wide: false }),
      name: names,
    };
    io.out(formatted(flags.output, items, texts));
    return 0;
  },
});

export const appsetGet = command({
  path: "appset get",
  use: "APPSETNAME",
  summary: "Show an ApplicationSet",
  examples: ["argocd appset get hotrod"],
  args: [1, 1],
  flags: { output: wide },
  async run([text = ""], { output }, session) {
    const set = await applicationSet(session, text);
    const shown = () => renderApplicationSet(set);
    session.io.out(formatted(output, set, { wide: shown, "": shown }));
    return 0;
  },
});

export const appsetCreate = command({
  path: "appset create",
  use: "FILE...",
  summary: "Make ApplicationSets of the manifests in files",
  examples: ["argocd appset create applicationset.yaml", "argocd appset create applicationset.yaml --upsert"],
  args: [0, Number.POSITIVE_INFINITY],
  flags: { upsert: { type: "bool", help: "change those that are there" } },
  async run(files, { upsert }, { client, io }) {
    if (files.length === 0) throw new UsageError("");
    for (const file of files) {
      for (const set of await setsIn(resolve(io.cwd, file))) {
        const { name } = set.metadata;
        const namespace = set.metadata.namespace ?? controlPlane;
        const wanted = { ...set, metadata: { ...set.metadata, namespace } };
        const existing = await client.get(ApplicationSet, { namespace, name }).catch((error: unknown) => {
          if (isNotFound(error)) return undefined;
          throw error;
        });
        if (existing === undefined) {
          await client.create(ApplicationSet, wanted);
          io.out(`ApplicationSet '${name}' created\n`);
        } else if (jsonEqual(existing.spec, set.spec)) io.out(`ApplicationSet '${name}' unchanged\n`);
        else if (!upsert) {
          throw new Fatal(
            "rpc error: code = InvalidArgument desc = existing ApplicationSet spec is different, use upsert flag to force update",
          );
        } else {
          await client.update(ApplicationSet, {
            ...existing,
            metadata: { ...existing.metadata, ...wanted.metadata },
            spec: set.spec,
          });
          io.out(`ApplicationSet '${name}' updated\n`);
        }
      }
    }
    return 0;
  },
});

async function setsIn(file: string): Promise<ApplicationSet[]> {
  try {
    const documents = parseAllDocuments(await readFile(file, "utf8"));
    const values: unknown[] = Array.isArray(documents) ? documents.map((document) => document.toJS()) : [];
    return values.map((value) => {
      const set = value as Partial<ApplicationSet> | null; // the API checks what it is given
      if (set?.kind !== "ApplicationSet" || set.metadata === undefined || set.spec === undefined)
        throw new Error(`${file} holds no ApplicationSet`);
      return set as ApplicationSet; // as just seen
    });
  } catch (error) {
    throw new Fatal(error instanceof Error ? error.message : String(error));
  }
}

export const appsetDelete = command({
  path: "appset delete",
  use: "APPSETNAME...",
  summary: "Delete ApplicationSets and what they generated",
  examples: ["argocd appset delete hotrod -y"],
  args: [0, Number.POSITIVE_INFINITY],
  flags: { yes: { type: "bool", short: "y", help: "do not ask" } },
  async run(names, { yes }, session) {
    if (names.length === 0) throw new UsageError("");
    for (const name of names) {
      const { metadata } = await applicationSet(session, name);
      const question = `Are you sure you want to delete '${name}' and all its Applications? [y/n] `;
      const answer = yes ? "y" : await session.ask(question);
      if (answer !== undefined && !/^y(es)?$/i.test(answer.trim())) {
        session.io.out(`The command to delete '${name}' was cancelled\n`);
        continue;
      }
      const ref = { namespace: metadata.namespace ?? controlPlane, name: metadata.name };
      await session.client.delete(ApplicationSet, ref, { propagationPolicy: "Background" });
      session.io.out(`applicationset '${name}' deleted\n`);
    }
    return 0;
  },
});

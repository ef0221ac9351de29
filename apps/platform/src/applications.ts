import { readFileSync } from "node:fs";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { ProblemError, wallClock } from "@tracegate/contracts";
import { Application, ApplicationSet, crds } from "@tracegate/gitops";
import { apiVersionOf, type KubeObject, type ResourceClient, StatusError } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { type Document, isMap, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { installKinds, installNamespaces } from "./installation.ts";

const kinds = [Application, ApplicationSet];
/** Where the GitOps controllers look. */
const home = "argocd";

/** An Application or ApplicationSet as a file has it. */
export interface ReadApplication {
  readonly object: KubeObject;
  /** `file:line:column` of a field such as `spec.source.path`, or of what it would be in. */
  at(field: string): string;
}

/** Reads the manifests that the configuration names. @throws ProblemError where one holds anything else. */
export function readApplications(files: readonly string[]): ReadApplication[] {
  return files.flatMap((file) => {
    const lines = new LineCounter();
    const documents = parseAllDocuments(textOf(file), { lineCounter: lines, prettyErrors: false });
    if (!Array.isArray(documents) || documents.length === 0)
      throw problem(file, "there is no manifest in it");
    return documents.map((document) => readDocument(document, file, lines));
  });
}

function readDocument(document: Document.Parsed, file: string, lines: LineCounter): ReadApplication {
  const where = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const at = (field: string) => where(offsetOf(document.contents, field));
  const [error] = document.errors;
  if (error !== undefined) throw problem(where(error.pos[0]), error.message, "YAML");
  const value = dataOf(document, at(""));
  const known = kinds.find((kind) => value?.apiVersion === apiVersionOf(kind) && value.kind === kind.kind);
  if (known === undefined)
    throw problem(at("kind"), `${value?.kind ?? "a document"} is not applied at the start`);
  const { name, namespace = home } = value?.metadata ?? {};
  if (typeof name !== "string") throw problem(at("metadata.name"), `this ${known.kind} has no name`, "text");
  if (namespace !== home)
    throw problem(at("metadata.namespace"), `nothing looks for Applications in ${namespace}`, home);
  return { object: { ...value, metadata: { ...value?.metadata, namespace } } as KubeObject, at }; // the API looks at the rest
}

/**
 * Has an API of their own take them, before anything is made or started.
 * @throws ProblemError with the place of the first mistake.
 */
export async function checkApplications(read: readonly ReadApplication[]): Promise<void> {
  if (read.length === 0) return;
  const client = embeddedClient(createApi({ store: memoryStore(), clock: wallClock }));
  await installKinds(client, crds);
  await installNamespaces(client);
  for (const each of read) {
    await applyApplications(client, [each]).catch((error: unknown) => {
      throw error instanceof StatusError ? refused(error, each.at) : error;
    });
  }
}

function refused({ message, status }: StatusError, at: ReadApplication["at"]): ProblemError {
  const [cause] = status.details?.causes ?? [];
  const field = cause?.field ?? "";
  return problem(
    at(field),
    cause === undefined ? message : `${field}: ${cause.message}`,
    "what the kind takes",
  );
}

/** Applies them as one who applies the same files again would: fields of others are left alone. */
export async function applyApplications(
  client: ResourceClient,
  read: readonly ReadApplication[],
): Promise<void> {
  for (const { object: body } of read) {
    await client.patch<KubeObject>(
      kindOf(body),
      { namespace: home, name: body.metadata.name },
      { type: "apply", body },
      { fieldManager: "tracegate-up", force: true },
    );
  }
}

const kindOf = ({ kind }: KubeObject) => (kind === Application.kind ? Application : ApplicationSet);

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw problem(file, error instanceof Error ? error.message : String(error));
  }
}

function dataOf(document: Document.Parsed, where: string): Partial<KubeObject> | null {
  try {
    return document.toJS() as Partial<KubeObject> | null; // what it is, the caller looks at
  } catch (error) {
    // Aliases of nothing, or of too much.
    throw problem(where, error instanceof Error ? error.message : String(error), "YAML");
  }
}

/** Where the field begins, or the innermost thing around it that is there. */
function offsetOf(root: Node | null, field: string): number {
  let offset = root?.range?.[0] ?? 0;
  let node: unknown = root;
  for (const word of field.split(/\.|(?=\[)/).filter((each) => each !== "")) {
    const index = /^\[(\d+)\]$/.exec(word)?.[1];
    if (index !== undefined) {
      node = isSeq(node) ? node.items[Number(index)] : undefined;
      offset = (node as Node | undefined)?.range?.[0] ?? offset; // an item of a parsed document
      continue;
    }
    const pair = isMap<Node, Node | null>(node)
      ? node.items.find(({ key }) => String(key) === word)
      : undefined;
    if (pair === undefined) break;
    offset = pair.key.range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}

const problem = (
  where: string,
  message: string,
  expected = "Applications and ApplicationSets of argoproj.io/v1alpha1 with a name",
): ProblemError => new ProblemError({ code: "input/configuration", where, message, expected });

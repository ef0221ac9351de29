import { createHash } from "node:crypto";
import { posix } from "node:path";
import { sortedJson } from "@tracegate/kube";
import { isObject, type Manifest } from "../../manifest.ts";
import { type GeneratorArgs, type GeneratorOptions, KustomizeError } from "./kustomization.ts";
import { type Resource, resourceOf } from "./resource.ts";

/** Reads a file of the kustomization's folder; the error is kustomize's own. */
export type ReadFile = (path: string) => Uint8Array;

/** Makes a ConfigMap or Secret of what a generator names, or merges it into one that a base made. */
export function generate(
  kind: "ConfigMap" | "Secret",
  args: GeneratorArgs,
  shared: GeneratorOptions,
  resources: Resource[],
  readFile: ReadFile,
): void {
  const options: GeneratorOptions = {
    ...shared,
    ...args.options,
    ...(shared.labels || args.options?.labels
      ? { labels: { ...shared.labels, ...args.options?.labels } }
      : {}),
    ...(shared.annotations || args.options?.annotations
      ? { annotations: { ...shared.annotations, ...args.options?.annotations } }
      : {}),
  };
  const manifest = generatedManifest(kind, args, options, readFile);
  const existing = resources.find(
    (resource) => resource.manifest.kind === kind && resource.names.includes(args.name),
  );
  const behavior = args.behavior ?? "create";
  if (behavior === "create") {
    if (existing !== undefined) {
      throw new KustomizeError(
        `merging from generator: id ${kind}.v1.[noGrp]/${args.name}.[noNs] exists; can not use behavior: '${args.behavior ?? "unspecified"}', behavior must be merge or replace`,
      );
    }
    resources.push(resourceOf(manifest, options.disableNameSuffixHash !== true));
    return;
  }
  if (existing === undefined)
    throw new KustomizeError(
      `merging from generator: id ${kind}.v1.[noGrp]/${args.name}.[noNs] does not exist; cannot merge or replace`,
    );
  for (const field of ["data", "binaryData"]) {
    const before = behavior === "merge" && isObject(existing.manifest[field]) ? existing.manifest[field] : {};
    const made = isObject(manifest[field]) ? manifest[field] : {};
    const all = { ...before, ...made };
    if (Object.keys(all).length > 0) existing.manifest[field] = all;
    else delete existing.manifest[field];
  }
}

function generatedManifest(
  kind: "ConfigMap" | "Secret",
  args: GeneratorArgs,
  options: GeneratorOptions,
  readFile: ReadFile,
): Manifest {
  const data: Record<string, string> = {};
  const binaryData: Record<string, string> = {};
  const put = (key: string, bytes: Uint8Array) => {
    const text = utf8(bytes);
    if (kind === "Secret" || text === undefined)
      (kind === "Secret" ? data : binaryData)[key] = Buffer.from(bytes).toString("base64");
    else data[key] = text;
  };
  for (const env of [...(args.envs ?? []), ...(args.env === undefined ? [] : [args.env])]) {
    for (const line of Buffer.from(readFile(env)).toString().split(/\r?\n/)) {
      const trimmed = line.trimStart();
      if (trimmed === "" || trimmed.startsWith("#")) continue;
      const equals = trimmed.indexOf("=");
      put(
        equals < 0 ? trimmed : trimmed.slice(0, equals),
        Buffer.from(equals < 0 ? "" : trimmed.slice(equals + 1)),
      );
    }
  }
  for (const file of args.files ?? []) {
    const equals = file.indexOf("=");
    const path = equals < 0 ? file : file.slice(equals + 1);
    put(equals < 0 ? posix.basename(path) : file.slice(0, equals), readFile(path));
  }
  for (const literal of args.literals ?? []) {
    const equals = literal.indexOf("=");
    if (equals <= 0)
      throw new KustomizeError(
        `loading KV pairs: literal sources [${args.literals?.join(" ")}]: invalid literal source ${literal}, expected key=value`,
      );
    put(literal.slice(0, equals), Buffer.from(literal.slice(equals + 1).replace(/^(["'])(.*)\1$/s, "$2")));
  }
  return {
    apiVersion: "v1",
    kind,
    metadata: {
      name: args.name,
      ...(args.namespace === undefined ? {} : { namespace: args.namespace }),
      ...(options.labels === undefined ? {} : { labels: options.labels }),
      ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    },
    ...(Object.keys(data).length === 0 ? {} : { data }),
    ...(Object.keys(binaryData).length === 0 ? {} : { binaryData }),
    ...(kind === "Secret" ? { type: args.type ?? "Opaque" } : {}),
    ...(options.immutable === true ? { immutable: true } : {}),
  };
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The suffix that follows from a generated object's content. ⚠ Its name does not count, and neither do labels. */
export function contentHash(manifest: Manifest): string {
  const content: Record<string, unknown> = { kind: manifest.kind, name: "", data: manifest["data"] ?? "" };
  if (manifest.kind === "Secret") content["type"] = manifest["type"] ?? "";
  if (manifest["binaryData"] !== undefined) content["binaryData"] = manifest["binaryData"];
  if (manifest["stringData"] !== undefined) content["stringData"] = manifest["stringData"];
  // Go writes these three escaped.
  const text = sortedJson(content).replace(/</g, "\\u003c").replace(/>/g, "\\u003e").replace(/&/g, "\\u0026");
  const letters: Readonly<Record<string, string>> = { 0: "g", 1: "h", 3: "k", a: "m", e: "t" };
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 10);
  // No vowels and no look-alikes: the suffix never spells anything.
  return hash.replace(/[013ae]/g, (char) => letters[char] ?? char);
}

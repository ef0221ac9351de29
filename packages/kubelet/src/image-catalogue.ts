import { defaultPath } from "./agent/default-path.ts";

/**
 * Which programs stand for which images. There is no container engine: an image reference is looked up here, and what is
 * in no entry cannot be pulled.
 */
export interface CatalogueEntry {
  /** `jaegertracing/example-hotrod:1.75.0`, `curlimages/curl:*`; `*` stands for any text within the tag or a path part. */
  readonly pattern: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  /** Files and directories of the host that the program needs beside the system's, bound read-only. */
  readonly binds?: readonly { readonly source: string; readonly target: string }[];
}

export interface ResolvedImage {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly binds: readonly { readonly source: string; readonly target: string }[];
}

export type ImageLookup =
  | { readonly image: ResolvedImage }
  | { readonly reason: "InvalidImageName" | "ErrImagePull"; readonly message: string };

export interface ImageCatalogue {
  lookUp(reference: string): ImageLookup;
}

/** The first entry that matches wins, so a user's own entries go before the bundled ones. */
export function imageCatalogue(entries: readonly CatalogueEntry[]): ImageCatalogue {
  const compiled = entries.map((entry) => ({ entry, matches: matcher(entry.pattern) }));
  return {
    lookUp(reference) {
      const parsed = parseImageReference(reference);
      if (parsed === undefined) {
        return {
          reason: "InvalidImageName",
          message: `Failed to apply default image tag "${reference}": couldn't parse image name "${reference}": invalid reference format`,
        };
      }
      const found = compiled.find(({ matches }) => matches(parsed));
      if (found === undefined) return { reason: "ErrImagePull", message: unknownImage(reference, parsed) };
      const { entry } = found;
      return {
        image: {
          entrypoint: entry.entrypoint ?? [],
          cmd: entry.cmd ?? [],
          env: { ...entry.env, TRACEGATE_TAG: parsed.tag },
          workingDir: entry.workingDir ?? "/",
          binds: entry.binds ?? [],
        },
      };
    },
  };
}

const unknownImage = (reference: string, { repository, tag }: ImageReference): string =>
  `image "${reference}" is in no catalogue: this node runs programs of this machine, not container images. ` +
  `Map it in tracegate.yaml, for example images: {"${repository}:*": {command: ["./app"]}}, ` +
  `or release one of the bundled images (the tag "${tag}" may be the part that is unknown)`;

export interface ImageReference {
  /** Normalised: no `docker.io/`, no `library/`. */
  readonly repository: string;
  readonly tag: string;
  readonly digest?: string;
}

const referenceForm =
  /^((?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?\/)?[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*)(?::(\w[\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

/** `[registry/]path[:tag][@digest]`; undefined when it is none. Tag `latest` when nothing is said. */
export function parseImageReference(text: string): ImageReference | undefined {
  const match = referenceForm.exec(text);
  if (match === null) return undefined;
  const [, path = "", tag, digest] = match;
  return { repository: normalise(path), tag: tag ?? "latest", ...(digest === undefined ? {} : { digest }) };
}

const normalise = (path: string): string =>
  path.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\//, "");

function matcher(pattern: string): (reference: ImageReference) => boolean {
  const colon = pattern.lastIndexOf(":");
  const hasTag = colon > pattern.lastIndexOf("/");
  const repository = wildcard(normalise(hasTag ? pattern.slice(0, colon) : pattern), "[^/]*");
  const tag = wildcard(hasTag ? pattern.slice(colon + 1) : "*", ".*");
  return (reference) => repository.test(reference.repository) && tag.test(reference.tag);
}

const wildcard = (text: string, star: string): RegExp =>
  new RegExp(
    `^${text
      .split("*")
      .map((part) => part.replace(/[.\\+?^$()[\]{}|]/g, "\\$&"))
      .join(star)}$`,
  );

/** Where bundled images find the project inside a container. */
export const projectMount = "/opt/tracegate";

/** Below the project's root: compiled code of bundled programs, filled by `fillCompileCache`, read-only in pods. */
export const compileCachePath = "node_modules/.cache/tracegate-pods";

/** Flags of every bundled Node program. A small young generation saves some 25 MB a process. Compiled code is kept by flags. */
export const nodeProgramFlags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=4"] as const;

/**
 * The entry of a Node program of this project: Node itself and the project's code are bound read-only, and nothing else
 * of the checkout (its state directory may lie inside).
 */
export function nodeProgram(options: {
  pattern: string;
  /** Below the project's root: `images/hotrod/src/main.ts`. */
  entry: string;
  projectRoot: string;
  node?: string;
  env?: Readonly<Record<string, string>>;
  workingDir?: string;
  /** Paths of the image, and what of the project lies there. */
  files?: Readonly<Record<string, string>>;
  /** A directory of the project whose programs the image has on its PATH. */
  commands?: string;
}): CatalogueEntry {
  const { pattern, entry, projectRoot, node = process.execPath, env = {}, files = {}, commands } = options;
  const bind = (name: string, target = `${projectMount}/${name}`) => ({
    source: `${projectRoot}/${name}`,
    target,
  });
  return {
    pattern,
    entrypoint: [`${projectMount}/bin/node`, ...nodeProgramFlags, `${projectMount}/${entry}`],
    env: {
      NODE_ENV: "production",
      NODE_COMPILE_CACHE: `${projectMount}/${compileCachePath}`,
      // What the scripts that stand for the image's own programs start, and with what.
      TRACEGATE_NODE: `${projectMount}/bin/node`,
      TRACEGATE_IMAGES: `${projectMount}/images`,
      ...(commands === undefined ? {} : { PATH: `${projectMount}/${commands}:${defaultPath}` }),
      ...env,
    },
    workingDir: options.workingDir ?? "/",
    binds: [
      ...["packages", "images", "node_modules", "package.json"].map((name) => bind(name)),
      ...Object.entries(files).map(([target, name]) => bind(name, target)),
      { source: node, target: `${projectMount}/bin/node` },
    ],
  };
}

/** What a container runs: the manifest's `command` replaces the entrypoint and, with it, the image's cmd; `args` the cmd. */
export function commandLine(
  image: Pick<ResolvedImage, "entrypoint" | "cmd">,
  container: { readonly command?: readonly string[]; readonly args?: readonly string[] },
): readonly string[] {
  const command = container.command ?? [];
  const args = container.args ?? [];
  if (command.length > 0) return [...command, ...args];
  return [...image.entrypoint, ...(args.length > 0 ? args : image.cmd)];
}

import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { ProblemError } from "@tracegate/contracts";
import { parseImageReference } from "@tracegate/kubelet";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { holds, whereLinksLead } from "./directory-bounds.ts";
import type { Pace } from "./settings.ts";

/** Looked for in the working directory. */
export const configurationFile = "tracegate.yaml";

/** What `tracegate.yaml` says: the user's own programs by image, and what the platform starts with. */
export interface Configuration {
  /** Absolute; undefined where there is no file. */
  readonly file?: string;
  readonly images: readonly OwnImage[];
  /** Absolute paths of manifests of Applications and ApplicationSets, applied when the platform starts. */
  readonly applications: readonly string[];
  /** Ports of this machine's loopback that pods reach as host.tracegate.internal. */
  readonly hostAccess: readonly number[];
  /** Hosts outside that pods reach. */
  readonly egress: readonly OutsidePort[];
  readonly pace: Partial<Pace>;
  /** For one Git command, and for rendering one source. */
  readonly sourceTimeoutMs?: number;
}

export interface OutsidePort {
  /** Lower case, not an address. */
  readonly host: string;
  readonly port: number;
}

/** A program of this machine that stands for an image. */
export interface OwnImage {
  /** `my/app:*` */
  readonly pattern: string;
  /** `file:line:column` of its command. */
  readonly where: string;
  readonly command: readonly [string, ...string[]];
  /** Absolute; all that its pods see of the user's files. */
  readonly workingDir: string;
  readonly env: Readonly<Record<string, string>>;
}

const none: Configuration = { images: [], applications: [], hostAccess: [], egress: [], pace: {} };

/**
 * Reads the file that is named, or `tracegate.yaml` in the working directory if there is one.
 * @throws ProblemError that says file, line and column of the first mistake.
 */
export function readConfiguration(options: { cwd: string; file?: string | undefined }): Configuration {
  const { cwd, file } = options;
  const path = resolve(cwd, file ?? configurationFile);
  if (file === undefined && !existsSync(path)) return none;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // fs errors carry a code
    throw new ProblemError({
      code: "input/configuration",
      where: path,
      message: `the configuration cannot be read (${code})`,
    });
  }
  return parseConfiguration(text, path);
}

/** The text of the file `path`, which its relative paths start from. */
export function parseConfiguration(text: string, path: string): Configuration {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const reader = new Reader(path, lineCounter);
  const [error] = document.errors;
  if (error !== undefined) {
    const many = error.code === "MULTIPLE_DOCS";
    reader.failAt(error.pos[0], many ? "there is a second document" : error.message, many ? "one" : "YAML");
  }
  const root = document.contents;
  if (root === null) return { ...none, file: path };
  const directory = dirname(path);
  const fields = reader.fields(root, "the configuration", [
    "images",
    "applications",
    "hostAccess",
    "egress",
    "scrapeInterval",
    "gitPollInterval",
    "sourceTimeout",
  ]);
  const scrapeInterval = fields.get("scrapeInterval");
  const gitPollInterval = fields.get("gitPollInterval");
  const sourceTimeout = fields.get("sourceTimeout");
  return {
    file: path,
    images: reader
      .entries(fields.get("images"), "images")
      .map(({ key, keyNode, value }) => readImage(reader, key, keyNode, value, directory)),
    applications: reader
      .list(fields.get("applications"), "applications", "[application.yaml]")
      .map((node) => {
        const file = resolve(directory, reader.text(node, "an application"));
        if (!existsSync(file)) reader.fail(node, `${file} is not there`, "the path of a manifest");
        return file;
      }),
    hostAccess: reader
      .list(fields.get("hostAccess"), "hostAccess", "[5432]")
      .map((node) => reader.port(node, reader.text(node, "a port"))),
    egress: reader
      .list(fields.get("egress"), "egress", '["api.example.com:443"]')
      .map((node) => readOutsidePort(reader, node)),
    pace: {
      ...(scrapeInterval && { scrapeIntervalMs: reader.duration(scrapeInterval, "scrapeInterval") }),
      ...(gitPollInterval && { gitPollMs: reader.duration(gitPollInterval, "gitPollInterval") }),
    },
    ...(sourceTimeout && { sourceTimeoutMs: reader.duration(sourceTimeout, "sourceTimeout") }),
  };
}

function readImage(
  reader: Reader,
  pattern: string,
  keyNode: Node,
  value: Node | undefined,
  directory: string,
): OwnImage {
  // A star stands for text that belongs into a reference.
  if (parseImageReference(pattern.replaceAll("*", "x")) === undefined) {
    reader.fail(keyNode, `"${pattern}" is no image reference`, 'one like "my/app:*"');
  }
  const what = `images["${pattern}"]`;
  if (value === undefined)
    reader.fail(keyNode, `${what} is empty`, '{command: ["./app"], workingDir: ., env: {…}}');
  const fields = reader.fields(value, what, ["command", "workingDir", "env"]);
  const commandNode = fields.get("command");
  const [program, ...args] = reader
    .list(commandNode, `${what}.command`)
    .map((node) => reader.text(node, `a word of ${what}.command`));
  if (program === undefined || program === "") {
    reader.fail(
      commandNode ?? keyNode,
      `${what} has no command`,
      'a list of words, like ["node", "server.js"]',
    );
  }
  const workingDirNode = fields.get("workingDir");
  const workingDir = resolve(
    directory,
    workingDirNode === undefined ? "." : reader.text(workingDirNode, `${what}.workingDir`),
  );
  if (statSync(workingDir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    reader.fail(workingDirNode ?? keyNode, `${workingDir} is no directory`, "the program's directory");
  }
  // Where links lead: they would hide what the pods get to see.
  if (holds(whereLinksLead(workingDir), whereLinksLead(homedir()))) {
    const message = `the pods of "${pattern}" would see all of ${whereLinksLead(workingDir)}`;
    reader.fail(workingDirNode ?? keyNode, message, "a directory that holds the program and nothing else");
  }
  if (program.includes("/")) {
    const file = resolve(workingDir, program);
    if (!existsSync(file)) reader.fail(commandNode ?? keyNode, `${file} is not there`, "a program");
    if (!isExecutable(file))
      reader.fail(commandNode ?? keyNode, `${file} is no program`, "an executable file (chmod +x)");
  }
  return {
    pattern,
    where: reader.placeOf(commandNode ?? keyNode),
    command: [program, ...args],
    workingDir,
    env: Object.fromEntries(
      reader
        .entries(fields.get("env"), `${what}.env`)
        .map(({ key, keyNode: at, value: node }) => [key, reader.variable(node, at, `${what}.env.${key}`)]),
    ),
  };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** `api.example.com:443`. Pods get an address for the name, so there must be one, and it must not be a name of the cluster's. */
function readOutsidePort(reader: Reader, node: Node): OutsidePort {
  const text = reader.text(node, "a host of egress").toLowerCase();
  const example = 'a name and a port, like "api.example.com:443"';
  const [, host = "", port = ""] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (isIP(host.replace(/^\[|\]$/g, "")) !== 0)
    reader.fail(node, `"${text}" is an address: pods find the outside by names`, example);
  if (!/^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z][-a-z0-9]*$/.test(host))
    reader.fail(node, `"${text}" is no host with a port`, example);
  if (/\.(cluster\.local|svc|tracegate\.internal|localhost)$/.test(host))
    reader.fail(node, `"${host}" is a name of the cluster or of this machine`, example);
  return { host, port: reader.port(node, port) };
}

/** Reads YAML nodes, and says where one is not what it should be. */
class Reader {
  readonly #path: string;
  readonly #lines: LineCounter;

  constructor(path: string, lines: LineCounter) {
    this.#path = path;
    this.#lines = lines;
  }

  fail(node: Node, message: string, expected: string): never {
    return this.failAt(node.range?.[0] ?? 0, message, expected);
  }

  failAt(offset: number, message: string, expected: string): never {
    throw new ProblemError({ code: "input/configuration", where: this.#at(offset), message, expected });
  }

  placeOf(node: Node): string {
    return this.#at(node.range?.[0] ?? 0);
  }

  #at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#path}:${line}:${col}`;
  }

  /** A map of known keys. */
  fields(node: Node, what: string, known: readonly string[]): Map<string, Node> {
    const found = new Map<string, Node>();
    for (const { key, keyNode, value } of this.entries(node, what)) {
      if (!known.includes(key)) this.fail(keyNode, `"${key}" is no field of ${what}`, known.join(", "));
      if (value !== undefined) found.set(key, value);
    }
    return found;
  }

  /** A map of any keys; none where there is nothing. */
  entries(node: Node | undefined, what: string): { key: string; keyNode: Node; value: Node | undefined }[] {
    if (node === undefined) return [];
    if (!isMap<Node, Node | null>(node)) this.fail(node, `${what} is no map`, "keys and values");
    return node.items.map(({ key, value }) => ({
      key: this.text(key, `a key of ${what}`),
      keyNode: key,
      value: value === null || (isScalar(value) && value.value === null) ? undefined : value,
    }));
  }

  list(node: Node | undefined, what: string, example = '["node", "server.js"]'): Node[] {
    if (node === undefined) return [];
    if (!isSeq<Node>(node)) this.fail(node, `${what} is no list`, `one like ${example}`);
    return node.items;
  }

  port(node: Node, text: string): number {
    const port = /^\d+$/.test(text) ? Number(text) : 0;
    if (port < 1 || port > 65_535) this.fail(node, `"${text}" is no port`, "1 to 65535");
    return port;
  }

  /** The value of an environment variable; nothing is not the same as no text. */
  variable(node: Node | undefined, keyNode: Node, what: string): string {
    if (node === undefined) this.fail(keyNode, `${what} is empty`, 'text; "" for none');
    return this.text(node, what);
  }

  /** Text, or a number or boolean as it is written. */
  text(node: Node, what: string): string {
    if (!isScalar(node) || node.value === null) this.fail(node, `${what} is no text`, "text");
    const text = typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
    if (text.includes("\0")) this.fail(node, `${what} holds a zero byte`, "text");
    return text;
  }

  /** `500ms`, `2s`, `1m`, in milliseconds. */
  duration(node: Node, what: string): number {
    const match = /^(\d+)(ms|s|m)$/.exec(this.text(node, what));
    const ms = Number(match?.[1]) * ({ ms: 1, s: 1000, m: 60_000 }[match?.[2] ?? ""] ?? Number.NaN);
    if (!(ms >= 100 && ms <= 3_600_000)) this.fail(node, `${what} is no duration`, "100ms to 60m, like 2s");
    return ms;
  }
}

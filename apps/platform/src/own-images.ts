import { accessSync, closeSync, constants, openSync, readSync, realpathSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join, relative, resolve } from "node:path";
import { ProblemError } from "@tracegate/contracts";
import type { CatalogueEntry } from "@tracegate/kubelet";
import type { OwnImage } from "./configuration.ts";
import { holds, whereLinksLead } from "./directory-bounds.ts";

/** Where a pod finds its program's directory. */
const programMount = "/app";
/** Where it finds an interpreter that lies in no directory of the system, such as a home's Node. */
const interpreterMount = "/opt/interpreter";

/** Directories of the host that every pod sees as they are. */
const systemDirectories = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/nix", "/gnu"];

/**
 * The catalogue's entry of a program of the user's. Its pods see the program's directory at /app, read-only, and
 * nothing else of the user's files: where the state directory lies inside, an empty directory covers it.
 * @throws ProblemError where the command is on no PATH.
 */
export function ownImage(
  image: OwnImage,
  surroundings: {
    stateDir: string;
    /** Exists, and nothing is ever in it. */
    emptyDir: string;
    path: string;
    /** Stands in for `node` where the machine has none of its own. */
    node: string;
    /** Pods see nothing else of the user's files; else a program finds what it needs where it always does. */
    isIsolated?: boolean;
  },
): CatalogueEntry {
  const { pattern, where, command, env } = image;
  // Where links lead: the state directory must be found in it by whatever way it is.
  const workingDir = whereLinksLead(image.workingDir);
  const [program, ...args] = command;
  const binds = [{ source: workingDir, target: programMount }];
  const stateDir = whereLinksLead(surroundings.stateDir);
  const state = relative(workingDir, stateDir);
  if (state === "") {
    throw new ProblemError({
      code: "input/configuration",
      where: workingDir,
      message: `the directory of the program for "${pattern}" is the state directory`,
      advice: "Keep the program elsewhere, or choose another state directory with --state DIR",
    });
  }
  if (holds(workingDir, stateDir))
    binds.push({ source: surroundings.emptyDir, target: join(programMount, state) });
  const found = findProgram(program, workingDir, surroundings);
  if (found === undefined) {
    throw new ProblemError({
      code: "input/configuration",
      where,
      message: `the program "${program}" is on no PATH`,
      expected: "the name of a program that is installed, or a path like ./app",
    });
  }
  if (surroundings.isIsolated !== false && isScriptOutside(found))
    throw aloneOutside(pattern, found.bind.source);
  if (found.bind !== undefined) binds.push(found.bind);
  return { pattern, entrypoint: [found.word, ...args], env, workingDir: programMount, binds };
}

interface FoundProgram {
  /** What the container is started with. */
  readonly word: string;
  readonly bind?: { source: string; target: string };
}

/** Undefined where there is none of this name. */
function findProgram(
  program: string,
  workingDir: string,
  { path, node, isIsolated }: { path: string; node: string; isIsolated?: boolean },
): FoundProgram | undefined {
  if (program.includes("/")) {
    const file = resolve(workingDir, program);
    const inside = relative(workingDir, file);
    return inside.startsWith("..") ? outside(file) : { word: join(programMount, inside) };
  }
  const found = path
    .split(delimiter)
    .filter(isAbsolute)
    .map((directory) => join(directory, program))
    .filter(isProgram)
    .map((file) => (isOfTheSystem(file) ? { word: program } : outside(file)));
  const [first = program === "node" ? outside(node) : undefined] = found;
  // A version manager's script stands before the program that pods can see.
  if (first === undefined || isIsolated === false || !isScriptOutside(first)) return first;
  return found.find((each) => !isScriptOutside(each)) ?? first;
}

const isScriptOutside = (found: FoundProgram): found is Required<FoundProgram> =>
  found.bind !== undefined && isScript(found.bind.source);

/** A single file from anywhere is brought along by itself: enough for Node, Deno, Bun and static binaries. */
function outside(file: string): FoundProgram {
  if (isOfTheSystem(file)) return { word: file };
  const source = realpathSync(file);
  const target = join(interpreterMount, file.slice(file.lastIndexOf("/") + 1));
  return { word: target, bind: { source, target } };
}

/** Such as nvm's npm: it is nothing without the files beside it. */
const aloneOutside = (pattern: string, file: string) =>
  new ProblemError({
    code: "input/configuration",
    where: file,
    message: `this script needs an interpreter, and maybe files beside it, that pods for "${pattern}" do not see`,
    expected: "a program in workingDir, one of the system's, or a single binary",
    advice: 'Name the interpreter and a script in workingDir, like ["node", "server.mjs"]',
  });

function isScript(file: string): boolean {
  const fd = openSync(file, "r");
  try {
    const start = Buffer.alloc(2);
    readSync(fd, start, 0, 2, 0);
    return start.toString() === "#!";
  } finally {
    closeSync(fd);
  }
}

const isOfTheSystem = (file: string): boolean =>
  [file, realpathSync(file)].every((path) =>
    systemDirectories.some((directory) => path.startsWith(`${directory}/`)),
  );

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { glob, stat } from "node:fs/promises";
import { join } from "node:path";
import { compileCachePath, nodeProgramFlags, projectMount } from "./image-catalogue.ts";
import { agentNamespaces } from "./namespaced/start-agent.ts";

/** A program whose compiled code is to be kept: it must load all of its modules, and end by itself. */
export interface CachedProgram {
  /** Below the project's root. */
  readonly entry: string;
  readonly args: readonly string[];
}

const runTimeoutMs = 60_000;

/**
 * Runs each program once where it lies in a pod, so that Node keeps its compiled code: a pod then starts in half the
 * time and without the type stripper. Node looks a file up by its absolute path and the user's id, hence a user and a
 * mount namespace of its own with the project at `/opt/tracegate`. A file that has changed since is compiled as if
 * nothing were kept. Resolves with what was done; never rejects: without the cache pods start all the same.
 */
export async function fillCompileCache(options: {
  projectRoot: string;
  programs: readonly CachedProgram[];
  node?: string;
  signal?: AbortSignal;
}): Promise<"filled" | "was full" | "failed"> {
  const { projectRoot, programs, node = process.execPath, signal } = options;
  const directory = join(projectRoot, compileCachePath);
  const stampFile = join(directory, "stamp");
  try {
    const stamp = await sourcesStamp(projectRoot, node, programs);
    if (readIfThere(stampFile) === stamp) return "was full";
    mkdirSync(directory, { recursive: true });
    for (const program of programs) await runOnce(projectRoot, node, program, signal);
    writeFileSync(stampFile, stamp);
    return "filled";
  } catch {
    return "failed";
  }
}

/**
 * The project's parts are put together on a tmpfs, which then takes the place of /opt. Lowest priority: whatever else
 * the machine does goes first.
 */
const script = `
at=$1 root=$2 node=$3
shift 3
mount -t tmpfs tmpfs "$at"
mkdir -p "$at/tracegate/bin"
touch "$at/tracegate/package.json" "$at/tracegate/bin/node"
mount --bind "$node" "$at/tracegate/bin/node"
mount --bind "$root/package.json" "$at/tracegate/package.json"
for part in packages images node_modules; do
  mkdir "$at/tracegate/$part"
  mount --rbind "$root/$part" "$at/tracegate/$part"
done
mount --rbind "$at" /opt
cd /
exec "$@"
`;

function runOnce(
  projectRoot: string,
  node: string,
  { entry, args }: CachedProgram,
  signal: AbortSignal | undefined,
): Promise<void> {
  const child = spawn(
    "nice",
    [
      ...["-n", "19", "unshare", ...agentNamespaces, "sh", "-ec", script, "sh"],
      ...["/mnt", projectRoot, node],
      ...[`${projectMount}/bin/node`, ...nodeProgramFlags, `${projectMount}/${entry}`, ...args],
    ],
    {
      stdio: "ignore",
      env: {
        PATH: process.env["PATH"],
        NODE_ENV: "production",
        NODE_COMPILE_CACHE: `${projectMount}/${compileCachePath}`,
      },
      timeout: runTimeoutMs,
      killSignal: "SIGKILL",
      ...(signal === undefined ? {} : { signal }),
    },
  );
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`ended with ${code}`))));
  });
}

/** Says which code the cache was filled from: the newest change of any source file, and who compiled it. */
async function sourcesStamp(
  projectRoot: string,
  node: string,
  programs: readonly CachedProgram[],
): Promise<string> {
  let newest = (await stat(join(projectRoot, "package-lock.json"))).mtimeMs;
  let count = 0;
  for await (const file of glob(["packages/*/src/**/*.ts", "images/*/src/**/*.ts"], { cwd: projectRoot })) {
    newest = Math.max(newest, (await stat(join(projectRoot, file))).mtimeMs);
    count += 1;
  }
  return JSON.stringify({ node, version: process.version, newest, count, programs });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

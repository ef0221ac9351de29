// Runs a script under Node 24 or newer: the Node that runs this one if it is new enough, else the one that
// the optional npm package for this platform carries. Plain JavaScript for Node 20: it is what starts the rest.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * Flags for every Node of ours. node:sqlite still announces itself as experimental, which is no news to users; a small young
 * generation saves some 25 MB a process and costs a few collections.
 */
export const nodeFlags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=4"];

/** Compiled code is kept here: the second start is faster, and the type stripper (some 30 MB) is not loaded. */
const compileCache = fileURLToPath(new URL("../node_modules/.cache/tracegate", import.meta.url));

/** The path of a Node >= 24, or undefined where none is installed. */
export function findNode24() {
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  try {
    return createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch {
    return undefined;
  }
}

/** Runs Node 24 with `args`, hands signals on, and exits as it exits. */
export function runUnderNode24(args) {
  const node = findNode24();
  if (node === undefined) {
    console.error(
      `tracegate: needs Node >= 24 (this is ${process.versions.node}), and npm carries none for ` +
        `${process.platform}-${process.arch} in node_modules. Run \`npm ci\`, or install Node 24.`,
    );
    process.exit(3);
  }
  const env = { NODE_COMPILE_CACHE: compileCache, ...process.env };
  const child = spawn(node, [...nodeFlags, ...args], { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) runUnderNode24(process.argv.slice(2));

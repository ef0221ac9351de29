import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { retime, type Timing } from "./timing.ts";

const run = promisify(execFile);
const example = fileURLToPath(new URL("../../../../examples/hotrod/", import.meta.url));

/** The demo's Git repository: an ordinary working copy that the user may edit and commit to. */
export interface DemoRepository {
  readonly directory: string;
  /** As the ApplicationSet names it. */
  readonly url: string;
  /** The ApplicationSet's manifest, which is applied rather than synced. */
  readonly appset: string;
  /** Sets HotROD's image in the Rollout's manifest and commits; answers the short commit. */
  release(tag: string): Promise<string>;
}

/** Makes the repository from `examples/hotrod` with the timing's values, in place of one that is there. */
export async function createDemoRepository(directory: string, timing: Timing): Promise<DemoRepository> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const url = pathToFileURL(directory).href;
  for (const file of readdirSync(example, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".yaml")) continue;
    const text = retime(file, readFileSync(join(example, file), "utf8"), timing);
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), text.replaceAll("https://git.example.com/hotrod.git", url));
  }
  cpSync(join(example, "README.md"), join(directory, "README.md"));
  await git(directory, "init", "--quiet", "--initial-branch=main");
  return commitAll(directory, "Release HotROD 1.75.0").then(() => openDemoRepository(directory));
}

export function openDemoRepository(directory: string): DemoRepository {
  const manifest = join(directory, "hotrod", "rollout.yaml");
  return {
    directory,
    url: pathToFileURL(directory).href,
    appset: readFileSync(join(directory, "appset.yaml"), "utf8"),
    async release(tag) {
      const text = readFileSync(manifest, "utf8");
      writeFileSync(manifest, text.replace(/(image: jaegertracing\/example-hotrod:)\S+/, `$1${tag}`));
      return commitAll(directory, `Release HotROD ${tag}`);
    },
  };
}

export const hasDemoRepository = (directory: string): boolean =>
  existsSync(join(directory, "hotrod", "rollout.yaml"));

async function commitAll(directory: string, message: string): Promise<string> {
  await git(directory, "add", "--all");
  await git(directory, "commit", "--quiet", "--allow-empty", `--message=${message}`);
  return git(directory, "rev-parse", "--short", "HEAD");
}

/** Git as the demo's own author: it needs no configuration of the user's, and takes none (hooks, signing). */
async function git(directory: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=Tracegate demo", "-c", "user.email=demo@tracegate.dev"];
  const { stdout } = await run(
    "git",
    [...identity, "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", ...args],
    {
      cwd: directory,
      env: { PATH: process.env["PATH"], HOME: directory, GIT_CONFIG_NOSYSTEM: "1" },
    },
  );
  return stdout.trim();
}

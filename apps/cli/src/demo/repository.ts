import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { commitAll, lendIdentity, ownGit } from "./own-git.ts";
import { retime, type Timing } from "./timing.ts";

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
    const text = retime(readFileSync(join(example, file), "utf8"), timing);
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), text.replaceAll("https://git.example.com/hotrod.git", url));
  }
  cpSync(join(example, "README.md"), join(directory, "README.md"));
  await ownGit(directory, "init", "--quiet", "--initial-branch=main");
  await lendIdentity(directory);
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

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { commitAll, lendIdentity, ownGit } from "../demo/own-git.ts";
import { retime, type Timing } from "../demo/timing.ts";
import type { Level } from "./level.ts";

const examples = fileURLToPath(new URL("../../../../examples/levels/", import.meta.url));

/** A level's Git repository: a working copy to edit, commit and push, and what it is pushed to, which GitOps reads. */
export interface LevelRepository {
  readonly directory: string;
  /** The ApplicationSet's manifest, which is applied rather than synced. */
  readonly appset: string;
  /** Commits and pushes the release; answers the short commit. */
  release(): Promise<string>;
}

/**
 * Makes the working copy `directory` and the bare repository beside it, in place of ones that are there: the solved
 * manifests with the given faults, at the timing's pace.
 */
export async function createLevelRepository(
  directory: string,
  level: Level,
  faults: readonly string[],
  timing: Timing,
): Promise<LevelRepository> {
  const bare = `${directory}.git`;
  for (const path of [directory, bare]) rmSync(path, { recursive: true, force: true });
  const manifests = join(directory, level.path);
  mkdirSync(manifests, { recursive: true });
  await ownGit(dirname(directory), "init", "--quiet", "--bare", "--initial-branch=main", bare);
  await ownGit(directory, "init", "--quiet", "--initial-branch=main");
  const url = pathToFileURL(bare).href;
  await ownGit(directory, "remote", "add", "origin", url);
  // A plain `git push` is all that anybody has to type.
  for (const [key, value] of Object.entries({ "push.autoSetupRemote": "true", "push.default": "current" })) {
    await ownGit(directory, "config", key, value);
  }
  await lendIdentity(directory);

  await writeManifests(manifests, level, faults, timing, url);
  // Where the course has its own; from any directory of a shell that is set up.
  const smokeTest = `#!/bin/sh\n# Checks the level, objective by objective.\nexec tracegate verify ${level.name} "$@"\n`;
  writeFileSync(join(dirname(manifests), "smoke-test.sh"), smokeTest, { mode: 0o755 });
  const { release } = level;
  await publish(
    directory,
    `Deploy ${release === undefined ? level.title : `${release.title} ${release.from}`}`,
  );
  return {
    directory,
    appset: readFileSync(join(manifests, "appset.yaml"), "utf8"),
    async release() {
      if (release === undefined) throw new Error(`the level ${level.name} releases nothing`);
      const file = join(manifests, release.file);
      const image = (tag: string) => `image: ${release.image}:${tag}`;
      writeFileSync(file, readFileSync(file, "utf8").replace(image(release.from), image(release.to)));
      return publish(directory, `Release ${release.title} ${release.to}`);
    },
  };
}

/** Writes a level's manifests with the given faults, at the timing's pace, with `url` for the repository's address. */
export async function writeManifests(
  directory: string,
  level: Level,
  faults: readonly string[],
  timing: Timing,
  url: string,
): Promise<void> {
  const solved = join(examples, level.name, "solved");
  const files = readdirSync(solved, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".yaml"),
  );
  for (const file of files) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), readFileSync(join(solved, file)));
  }
  for (const fault of faults)
    await ownGit(directory, "apply", join(examples, level.name, "faults", `${fault}.patch`));
  for (const file of files) {
    const path = join(directory, file);
    const text = retime(readFileSync(path, "utf8"), timing);
    writeFileSync(path, text.replaceAll("https://git.example.com/adventures.git", url));
  }
}

async function publish(directory: string, message: string): Promise<string> {
  const commit = await commitAll(directory, message);
  await ownGit(directory, "push", "--quiet", "origin", "HEAD:main");
  return commit;
}

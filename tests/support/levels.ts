import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { timings } from "../../apps/cli/src/demo/timing.ts";
import { levels } from "../../apps/cli/src/levels/index.ts";
import type { LevelName } from "../../apps/cli/src/levels/level.ts";
import { writeManifests } from "../../apps/cli/src/levels/repository.ts";
import { root, temporaryState, tracegate } from "./tracegate.ts";

export interface Typed {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A level as its reader finds it, with a shell to type into. */
export interface PlayedLevel {
  /** What the demo printed until it served. */
  readonly output: string;
  /** Where the level's manifests lie. */
  readonly manifests: string;
  /** Types a command line, as the level's readers do: in the level's repository, with our clients on the PATH. */
  type(commandLine: string): Promise<Typed>;
  /** The same; it must succeed. Answers what it printed. */
  works(commandLine: string): Promise<string>;
  /** Mends one fault by exactly its fix, commits and pushes. */
  mend(fault: string): Promise<void>;
  /** Types a command line until what it prints matches, as one who watches would. */
  until(commandLine: string, pattern: RegExp): Promise<string>;
}

/** Starts `tracegate demo --level …` with the faults, or with none, and waits until it serves. */
export async function playLevel(
  t: TestContext,
  name: LevelName,
  faults: readonly string[],
): Promise<PlayedLevel> {
  const temporary = temporaryState();
  const state = join(temporary.path, "s");
  const options = faults.length === 0 ? [] : ["--fault", faults.join(",")];
  const run = tracegate(
    "demo",
    ...["--level", name, ...options],
    ...["--timing", "test", "--ports", "free", "--state", state],
  );
  t.after(async () => {
    run.process.kill("SIGINT");
    await run.ended;
    temporary.remove();
  });
  await run.seen(/Serving until Ctrl-C/);

  const level = levels[name];
  const repository = join(state, "repos", name);
  const manifests = join(repository, level.path);
  const home = join(temporary.path, "home");
  mkdirSync(home);
  const type = (commandLine: string): Promise<Typed> =>
    new Promise((resolve, reject) => {
      const child = spawn("sh", ["-c", commandLine], {
        cwd: repository,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          PATH: `${join(root, "node_modules", ".bin")}:${process.env["PATH"]}`,
          HOME: home,
          KUBECONFIG: join(state, "kubeconfig"),
          NO_COLOR: "1",
          GIT_AUTHOR_NAME: "Reader",
          GIT_AUTHOR_EMAIL: "reader@example.com",
          GIT_COMMITTER_NAME: "Reader",
          GIT_COMMITTER_EMAIL: "reader@example.com",
        },
      });
      let out = "";
      let err = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        out += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        err += text;
      });
      child.on("error", reject).on("close", (code) => resolve({ code, out, err }));
    });
  const works = async (commandLine: string) => {
    const { code, out, err } = await type(commandLine);
    assert.equal(code, 0, `${commandLine}\n${out}${err}`);
    return out;
  };
  let left = faults;
  return {
    output: run.output(),
    manifests,
    type,
    works,
    async mend(fault) {
      left = left.filter((each) => each !== fault);
      const url = (await works("git remote get-url origin")).trim();
      const released = (await works("git log --format=%s")).includes("Release ");
      // Into a directory of its own first: the release's commit has changed a manifest that no fault touches.
      const fixed = join(temporary.path, `without-${fault}`);
      mkdirSync(fixed);
      await writeManifests(fixed, level, left, timings.test, url);
      if (level.release !== undefined && released) {
        const { file, image, from, to } = level.release;
        await works(`sed -i s#${image}:${from}#${image}:${to}# '${join(fixed, file)}'`);
      }
      await works(`cp -r '${fixed}/.' '${manifests}/'`);
      await works(`git add . && git commit --quiet -m 'Mend ${fault}' && git push --quiet`);
    },
    async until(commandLine, pattern) {
      for (let attempt = 0; ; attempt++) {
        const { out, err } = await type(commandLine);
        if (pattern.test(out)) return out;
        assert.ok(attempt < 300, `${commandLine} never printed ${pattern}:\n${out}${err}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
  };
}

/** Splits what `tracegate verify` printed into what is met and what is not. */
export function objectives(text: string): { met: string[]; open: string[] } {
  const lines = (mark: string) =>
    text
      .split("\n")
      .filter((line) => line.startsWith(`${mark} `))
      .map((line) => line.slice(2));
  return { met: lines("✔"), open: lines("✖") };
}

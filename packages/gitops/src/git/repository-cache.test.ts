import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { hostileRepository } from "../../testing/hostile-repository.ts";
import { readApart } from "../reading/apart.ts";
import { type CommandGit, commandGit } from "./command-git.ts";
import type { KeepLimits } from "./repository-cache.ts";

/** A second passes with each question. */
function tickingClock() {
  let now = 1_700_000_000_000;
  return { now: () => (now += 1000), after: wallClock.after };
}

function setUp(t: TestContext, keep: Partial<KeepLimits> = {}) {
  const repository = hostileRepository();
  t.after(() => repository.remove());
  const directory = join(repository.directory, "cache");
  const start = () => commandGit({ directory, keep, clock: tickingClock() });
  return { ...repository, cache: directory, start };
}

async function read(git: CommandGit, url: string, commit: string): Promise<Record<string, string>> {
  const tree = await git.tree(url, commit);
  const contents = await tree.read(tree.files);
  return Object.fromEntries([...contents].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]));
}

const repositoriesIn = (cache: string) => readdirSync(cache).sort();
const packsIn = (cache: string) =>
  repositoriesIn(cache).flatMap((name) =>
    readdirSync(join(cache, name, "objects/pack"))
      .filter((file) => file.endsWith(".pack"))
      .map((file) => join(cache, name, "objects/pack", file)),
  );
const only = (cache: string): string => {
  const names = repositoriesIn(cache);
  assert.equal(names.length, 1);
  return join(cache, names[0] ?? "");
};

/** Every file below a folder, with its size. */
const everythingIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map(
      (path) => `${path} ${statSync(join(folder, path)).isFile() ? statSync(join(folder, path)).size : ""}`,
    );

test("many commits take few packs, what nobody needs any more goes, and the source is left alone", async (t) => {
  const { start, origin, cache, write, commit } = setUp(t, { maxPacks: 5, maxCommits: 3 });
  const repositories = start();
  const commits: string[] = [];
  for (let i = 0; i < 20; i++) {
    write("a.txt", `${i} ${"noise ".repeat(i)}`);
    commits.push(commit());
  }
  const before = everythingIn(join(origin, ".git"));
  for (const [i, sha] of commits.entries()) {
    assert.equal((await read(repositories, origin, sha))["a.txt"], `${i} ${"noise ".repeat(i)}`);
    assert.ok(packsIn(cache).length <= 5, `${packsIn(cache).length} packs`);
  }
  assert.deepEqual(readdirSync(join(only(cache), "refs/held")).sort(), commits.slice(-3).sort());
  const here = (...args: string[]) =>
    execFileSync("git", ["-C", only(cache), ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  const kept = here("cat-file", "--batch-check", "--batch-all-objects").split("\n");
  assert.ok(
    kept.filter((line) => line.includes(" commit ")).length <= 3 + 5,
    "commits let go of are dropped",
  );
  here("fsck", "--strict");
  assert.deepEqual(everythingIn(join(origin, ".git")), before);
  assert.equal(
    (await read(repositories, origin, commits[0] ?? ""))["a.txt"],
    "0 ",
    "and can be fetched again",
  );
});

test("of many repositories those used longest ago go, but for those that are being read", async (t) => {
  const { start, directory, origin, cache, write, commit } = setUp(t, { maxRepositories: 2 });
  const repositories = start();
  write("a.txt", "a");
  const sha = commit();
  const copy = (name: string) => {
    execFileSync("git", ["clone", "--quiet", origin, join(directory, name)]);
    return join(directory, name);
  };
  const [b, c, d] = ["b", "c", "d"].map(copy) as [string, string, string]; // of three names
  await repositories.fetched(origin, sha, async () => {
    for (const url of [b, c, d]) assert.deepEqual(await read(repositories, url, sha), { "a.txt": "a" });
    assert.equal(repositoriesIn(cache).length, 2, "the one being read and the last");
  });
  await read(repositories, c, sha);
  await read(repositories, d, sha);
  assert.equal(repositoriesIn(cache).length, 2);
});

test("a repository whose packs were made one too slowly, or grew too large, is fetched anew", async (t) => {
  const { start, origin, cache, write, commit } = setUp(t, { maxPacks: 2 });
  const repositories = start();
  for (let i = 0; i < 3; i++) {
    write("a.txt", `${i}`);
    const sha = commit();
    if (i === 2) {
      // Packing meets what it cannot read; fetching does not look at it.
      const [old = ""] = packsIn(cache);
      truncateSync(old, statSync(old).size - 10);
    }
    assert.equal((await read(repositories, origin, sha))["a.txt"], `${i}`);
  }
  assert.equal(packsIn(cache).length, 1);
});

const damages: Record<string, (gitDir: string) => void> = {
  "a pack cut short": (gitDir) => {
    for (const name of readdirSync(join(gitDir, "objects/pack")))
      if (name.endsWith(".pack")) truncateSync(join(gitDir, "objects/pack", name), 40);
  },
  "a pack overwritten": (gitDir) => {
    for (const name of readdirSync(join(gitDir, "objects/pack"))) {
      if (!name.endsWith(".pack")) continue;
      const path = join(gitDir, "objects/pack", name);
      const bytes = readFileSync(path).fill(0x55, 20);
      rmSync(path);
      writeFileSync(path, bytes);
    }
  },
  "an index gone": (gitDir) => {
    for (const name of readdirSync(join(gitDir, "objects/pack")))
      if (name.endsWith(".idx")) rmSync(join(gitDir, "objects/pack", name));
  },
  "an empty HEAD": (gitDir) => writeFileSync(join(gitDir, "HEAD"), ""),
  "a mangled configuration": (gitDir) => writeFileSync(join(gitDir, "config"), "[core\n\0"),
  "empty references": (gitDir) => {
    for (const name of readdirSync(join(gitDir, "refs/held")))
      writeFileSync(join(gitDir, "refs/held", name), "");
  },
  "a mangled list of shallow commits": (gitDir) => appendFileSync(join(gitDir, "shallow"), "x\n"),
  "no objects": (gitDir) => rmSync(join(gitDir, "objects"), { recursive: true }),
  "a file in its place": (gitDir) => {
    rmSync(gitDir, { recursive: true });
    writeFileSync(gitDir, "");
  },
};
for (const [what, damage] of Object.entries(damages)) {
  test(`${what}: thrown away and fetched anew, for the same commit and for the next`, async (t) => {
    const { start, origin, cache, write, commit } = setUp(t);
    write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    const first = commit();
    const render = async (git: CommandGit, sha: string) => {
      const sources = readApart({ git, clock: wallClock });
      try {
        const { manifests } = await sources.manifests({ repoURL: origin, path: "." }, sha);
        return manifests.map(({ manifest }) => manifest.metadata.name);
      } finally {
        await sources.close();
      }
    };
    assert.deepEqual(await render(start(), first), ["a"]);
    damage(only(cache));
    assert.deepEqual(await render(start(), first), ["a"]);
    write("b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n");
    damage(only(cache));
    assert.deepEqual(await render(start(), commit()), ["a", "b"]);
    assert.deepEqual(await render(start(), first), ["a"], "what else is damaged is noticed when it is read");
  });
}

test("what the server itself has wrong is told, not fetched for ever", async (t) => {
  const { start, origin, cache, git, gitWith, write, commit } = setUp(t);
  write("a.txt", "a");
  const good = commit();
  // A tree whose entry has no mode that Git knows.
  const entry = Buffer.concat([Buffer.from("x a\0"), Buffer.alloc(20, 1)]);
  const tree = gitWith(entry, "hash-object", "-w", "-t", "tree", "--literally", "--stdin");
  const bad = git("commit-tree", "-m", "x", tree);
  git("update-ref", "refs/heads/bad", bad);
  const repositories = start();
  assert.deepEqual(await read(repositories, origin, good), { "a.txt": "a" });
  await assert.rejects(repositories.tree(origin, bad), { name: "SourceError" });
  assert.deepEqual(await read(repositories, origin, good), { "a.txt": "a" });
  assert.equal(repositoriesIn(cache).length, 1, "nothing is left of the attempt");
});

test("what a killed process left half done is removed at the next start", async (t) => {
  const { start, origin, cache, write, commit } = setUp(t);
  write("a.txt", "a");
  const sha = commit();
  await start().tree(origin, sha);
  const gitDir = only(cache);
  const before = everythingIn(cache);
  for (const name of [
    "shallow.lock",
    "config.lock",
    "refs/held/x.lock",
    "objects/pack/tmp_pack_aBcDeF",
    "objects/pack/tmp_idx_aBcDeF",
    "objects/pack/.tmp-123-pack-0123456789.pack",
    "objects/tmp_obj_x",
  ])
    writeFileSync(join(gitDir, name), "x".repeat(1000));
  mkdirSync(join(gitDir, "objects/tmp_objdir-incoming-x/pack"), { recursive: true });
  for (const half of [".0a", ".0b"]) mkdirSync(join(`${gitDir}${half}`, "objects"), { recursive: true });
  const repositories = start();
  await repositories.recover();
  assert.deepEqual(everythingIn(cache), before);
  write("a.txt", "b");
  assert.deepEqual(await read(repositories, origin, commit()), { "a.txt": "b" });
  assert.ok(existsSync(gitDir));
});

/** Reads commits one after another, packing all the time; says which it has read. */
const busyReader = `
  const { commandGit } = await import(${JSON.stringify(new URL("./command-git.ts", import.meta.url).href)});
  const [directory, origin, ...commits] = process.argv.slice(1);
  const git = commandGit({ directory, keep: { maxPacks: 1, maxCommits: 3 } });
  for (let i = 0; ; i++) {
    await git.tree(origin, commits[i % commits.length]);
    console.log(i);
  }
`;

test("killed at any moment, the next process reads every commit", async (t) => {
  const { start, origin, cache, write, commit } = setUp(t, { maxPacks: 1, maxCommits: 3 });
  const commits = Array.from({ length: 6 }, (_, i) => {
    for (let file = 0; file < 50; file++) write(`${file}.txt`, `${i} ${file} ${"noise ".repeat(i)}`);
    return commit();
  });
  for (let round = 0; round < 8; round++) {
    const flags = ["--input-type=module", "--disable-warning=ExperimentalWarning", "-e", busyReader];
    const reader = spawn(process.execPath, [...flags, "--", cache, origin, ...commits], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = new Promise((resolve) => reader.once("close", (_, signal) => resolve(signal)));
    reader.stdout.on("data", (line: Buffer) => {
      // In the middle of what comes next; the Git that it started lives on.
      if (Number(String(line).trim().split("\n").at(-1)) >= round) reader.kill("SIGKILL");
    });
    assert.equal(await gone, "SIGKILL");
    const repositories = start();
    await repositories.recover();
    for (const [i, sha] of commits.entries())
      assert.equal((await read(repositories, origin, sha))["7.txt"], `${i} 7 ${"noise ".repeat(i)}`);
  }
});

test("nothing is there to recover before anything was fetched", async (t) => {
  await setUp(t).start().recover();
});

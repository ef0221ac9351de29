import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { hostileRepository } from "../../testing/hostile-repository.ts";
import { type CommandGitOptions, commandGit } from "./command-git.ts";
import type { GitRepositories } from "./repositories.ts";

function setUp(t: TestContext, options: Partial<CommandGitOptions> = {}) {
  const repository = hostileRepository();
  t.after(() => repository.remove());
  const cache = join(repository.directory, "cache");
  return { ...repository, cache, repositories: commandGit({ directory: cache, ...options }) };
}

async function contentsOf(repositories: GitRepositories, url: string, revision = ""): Promise<unknown> {
  const tree = await repositories.tree(url, await repositories.resolve(url, revision));
  const contents = await tree.read(tree.files);
  return Object.fromEntries([...contents].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]));
}

test("a URL is neither a command nor an option", async (t) => {
  const { repositories, trapCommand, sprung, origin } = setUp(t);
  const urls = [
    `ext::sh -c ${trapCommand}`,
    `ext::sh% -c% ${trapCommand.replace(" ", "% ")}`,
    "fd::17/x",
    `--upload-pack=${trapCommand}`,
    `-c core.gitProxy=${trapCommand}`,
    `file::${origin}`,
    `ssh://-oProxyCommand=${trapCommand}/x`,
    "git@host:x",
    "git://127.0.0.1/x",
    "http://127.0.0.1/x",
    "ftp://127.0.0.1/x",
    "./origin",
    "../origin",
    "~/origin",
    "",
    "file://\0/etc",
    `/origin\n--upload-pack=${trapCommand}`,
    "https://user:a%0aprotocol=x@host/x",
    "https://[",
  ];
  for (const url of urls) {
    const refused = { name: "SourceError", message: /^repository URL '.*' is (not allowed|no URL)/ };
    await assert.rejects(repositories.resolve(url, "HEAD"), refused, url);
    await assert.rejects(repositories.tree(url, "0".repeat(40)), refused, url);
  }
  const nowhere = `--upload-pack=${trapCommand}`;
  for (const url of [`file://${nowhere}`, `/${nowhere}`, `${origin} ${nowhere}`, `${origin};${trapCommand}`])
    await assert.rejects(repositories.resolve(url, "HEAD"), { name: "SourceError" }, url);
  assert.ok(!sprung());
});

test("a revision is a name to look up, never an option or an expression", async (t) => {
  const { repositories, trapCommand, sprung, origin, write, commit } = setUp(t);
  write("a.yaml", "a: 1\n");
  const head = commit();
  const revisions = [
    `--upload-pack=${trapCommand}`,
    "-c",
    `$(${trapCommand})`,
    `\`${trapCommand}\``,
    "main@{0}",
    "main^{tree}",
    ":/x",
    "main:a.yaml",
    "../main",
    "refs/heads/../heads/main",
    "../../../etc/passwd",
    "main\0",
    "main\n--all",
    `${head} main`,
  ];
  for (const revision of revisions) {
    await assert.rejects(repositories.resolve(origin, revision), /unable to resolve '/, revision);
    const refused = { name: "SourceError", message: /is not a commit SHA/ };
    await assert.rejects(repositories.tree(origin, revision), refused, revision);
  }
  assert.ok(!sprung());
});

test("nothing that a local repository's own configuration names is run", async (t) => {
  const { repositories, trap, trapCommand, sprung, origin, git, write, commit, directory } = setUp(t);
  write(".gitattributes", "* filter=x diff=x merge=x\n*.bin filter=lfs diff=lfs -text\n");
  write("a.yaml", "a: 1\n");
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 1\n`;
  write("b.bin", pointer);
  commit();
  mkdirSync(join(directory, "hooks"));
  for (const hook of ["pre-receive", "update", "post-checkout", "reference-transaction", "pre-auto-gc"]) {
    for (const at of [join(directory, "hooks", hook), join(origin, ".git/hooks", hook)]) {
      writeFileSync(at, `#!/bin/sh\n${trapCommand}\n`);
      chmodSync(at, 0o755);
    }
  }
  writeFileSync(join(directory, "included"), `[core]\n\tfsmonitor = ${trap}\n\tsshCommand = ${trap}\n`);
  const settings = {
    "core.fsmonitor": trap,
    "core.hooksPath": join(directory, "hooks"),
    "core.sshCommand": trap,
    "core.gitProxy": trap,
    "core.pager": trap,
    "core.askPass": trap,
    "core.alternateRefsCommand": trap,
    "uploadpack.packObjectsHook": trap,
    "credential.helper": trap,
    "filter.x.smudge": trap,
    "filter.x.clean": trap,
    "filter.x.process": trap,
    "filter.lfs.smudge": trap,
    "diff.x.textconv": trap,
    "gpg.program": trap,
    "protocol.allow": "always",
    "protocol.ext.allow": "always",
    "remote.origin.url": `ext::sh -c ${trapCommand.replace(" ", "% ")}`,
    "remote.origin.promisor": "true",
    "remote.origin.uploadpack": trap,
    "extensions.partialClone": "origin",
    "include.path": join(directory, "included"),
    "includeIf.gitdir:/.path": join(directory, "included"),
    "alias.upload-pack": `!${trapCommand}`,
  };
  for (const [name, value] of Object.entries(settings)) git("config", name, value);
  assert.deepEqual(await contentsOf(repositories, origin), {
    ".gitattributes": "* filter=x diff=x merge=x\n*.bin filter=lfs diff=lfs -text\n",
    "a.yaml": "a: 1\n",
    "b.bin": pointer,
  });
  assert.deepEqual(
    await contentsOf(repositories, `file://${origin}`),
    await contentsOf(repositories, origin),
  );
  assert.ok(!sprung(), "with everything there");

  // An object that is missing would be fetched from the promisor, by whatever transport it names.
  const blob = git("rev-parse", "HEAD:a.yaml");
  unlinkSync(join(origin, ".git/objects", blob.slice(0, 2), blob.slice(2)));
  const again = commandGit({ directory: join(directory, "again") });
  await assert.rejects(contentsOf(again, origin), { name: "SourceError" });
  assert.ok(!sprung(), "with a missing object");
});

test("submodules are not followed, whatever .gitmodules says", async (t) => {
  const { repositories, trapCommand, sprung, origin, git, write, commit } = setUp(t);
  const first = commit();
  write("a.yaml", "a: 1\n");
  write(
    ".gitmodules",
    `[submodule "x"]\n\tpath = ../../x\n\turl = ext::sh -c ${trapCommand}\n\tupdate = !${trapCommand}\n` +
      `[submodule "y"]\n\tpath = sub\n\turl = --upload-pack=${trapCommand}\n\tfetchRecurseSubmodules = true\n`,
  );
  git("update-index", "--add", "--cacheinfo", `160000,${first},sub`);
  git("add", ".gitmodules", "a.yaml");
  git("commit", "--quiet", "-m", "x");
  const tree = await repositories.tree(origin, git("rev-parse", "HEAD"));
  assert.deepEqual(tree.files, [".gitmodules", "a.yaml"]);
  assert.ok(!sprung());
});

test("a repository that belongs to someone else is not opened", async (t) => {
  const { repositories, origin, write, commit } = setUp(t);
  write("a.yaml", "a: 1\n");
  commit();
  // Git's own way to try this without another user.
  process.env["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1";
  t.after(() => delete process.env["GIT_TEST_ASSUME_DIFFERENT_OWNER"]);
  await assert.rejects(repositories.resolve(origin, "HEAD"), {
    name: "SourceError",
    message: /ownership|read/,
  });
});

test("variables of a Git that started us lead nowhere else", async (t) => {
  const { repositories, origin, directory, write, commit } = setUp(t);
  write("a.yaml", "a: 1\n");
  commit();
  const names = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"];
  for (const name of names) process.env[name] = join(directory, "elsewhere");
  t.after(() => {
    for (const name of names) delete process.env[name];
  });
  assert.deepEqual(await contentsOf(repositories, origin), { "a.yaml": "a: 1\n" });
});

test("links lead nowhere outside, by whatever way", async (t) => {
  for (const target of [
    "/etc/passwd",
    "../../etc/passwd",
    "../..",
    "x/../../../etc/passwd",
    `${"../".repeat(30)}etc/passwd`,
  ]) {
    const { repositories, origin, commit } = setUp(t);
    mkdirSync(join(origin, "app"));
    symlinkSync(target, join(origin, "app/l.yaml"));
    await assert.rejects(
      repositories.tree(origin, commit()),
      /^SourceError: repository contains out-of-bounds symlinks. file: app\/l.yaml$/,
      target,
    );
  }
});

test("links inside the repository: chains are followed, rings and folders stand for no file", async (t) => {
  const { repositories, origin, write, commit } = setUp(t);
  write("real/a.yaml", "a: 1\n");
  symlinkSync("real/a.yaml", join(origin, "l0"));
  for (let i = 1; i < 45; i++) symlinkSync(`l${i - 1}`, join(origin, `l${i}`));
  symlinkSync("ring-b", join(origin, "ring-a"));
  symlinkSync("ring-a", join(origin, "ring-b"));
  symlinkSync("real", join(origin, "folder"));
  symlinkSync("folder/a.yaml", join(origin, "through-folder"));
  symlinkSync("nowhere", join(origin, "dangling"));
  const { files, read } = await repositories.tree(origin, commit());
  assert.deepEqual(
    files.filter((path) => !/^l\d+$/.test(path)),
    ["real/a.yaml"],
  );
  assert.ok(files.includes("l38") && !files.includes("l44"));
  assert.equal(Buffer.from((await read(["l38"])).get("l38") ?? []).toString(), "a: 1\n");
});

test("paths that Git itself would never write are refused", async (t) => {
  const { repositories, origin, git, gitWith } = setUp(t);
  const blob = gitWith("a: 1\n", "hash-object", "-w", "--stdin");
  for (const name of ["..", ".", ".git", "a/../../x"]) {
    const entry = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, "hex")]);
    const inner = gitWith(entry, "hash-object", "-w", "-t", "tree", "--literally", "--stdin");
    const outer = gitWith(`040000 tree ${inner}\tapp\n`, "mktree");
    const commit = git("commit-tree", "-m", "x", outer);
    git("update-ref", "refs/heads/main", commit);
    await assert.rejects(repositories.tree(origin, commit), /impossible path: "app\//, name);
  }
});

test("a tree that repeats itself is given up at the limit", async (t) => {
  const { repositories, origin, git, gitWith } = setUp(t);
  let tree = gitWith(`100644 blob ${gitWith("x", "hash-object", "-w", "--stdin")}\tf\n`, "mktree");
  for (let level = 0; level < 10; level++) {
    const lines = Array.from({ length: 10 }, (_, i) => `040000 tree ${tree}\t${"d".repeat(40)}${i}\n`);
    tree = gitWith(lines.join(""), "mktree");
  }
  const commit = git("commit-tree", "-m", "bomb", tree);
  git("update-ref", "refs/heads/main", commit);
  await assert.rejects(repositories.tree(origin, commit), {
    name: "SourceError",
    code: "ResourceExhausted",
  });
});

test("a file over the limit is refused by its name, also as a link's target text", async (t) => {
  const { repositories, origin, git, gitWith, write, commit } = setUp(t);
  write("big.yaml", "x".repeat(10_000_001));
  const tree = await repositories.tree(origin, commit());
  await assert.rejects(tree.read(["big.yaml"]), /file "big.yaml" is larger than 10000000 bytes/);
  const blob = git("rev-parse", "HEAD:big.yaml");
  git("update-ref", "HEAD", git("commit-tree", "-m", "x", gitWith(`120000 blob ${blob}\tl\n`, "mktree")));
  await assert.rejects(repositories.tree(origin, git("rev-parse", "HEAD")), /file "l" is larger/);
});

test("a repository over the limit is given up without a trace, and another commit of it can be read", async (t) => {
  const { repositories, origin, cache, write, commit, git } = setUp(t, { maxPackBytes: 200_000 });
  write("a.yaml", "a: 1\n");
  const small = commit();
  write("noise.txt", randomBytes(1_000_000).toString("base64"));
  const large = commit();
  await assert.rejects(repositories.tree(origin, large), {
    code: "ResourceExhausted",
    message: "the repository is larger than the limit",
  });
  const [gitDir = ""] = readdirSync(cache);
  assert.deepEqual(readdirSync(join(cache, gitDir, "objects/pack")), []);
  git("branch", "small", small);
  assert.deepEqual((await repositories.tree(origin, small)).files, ["a.yaml"]);
});

test("a repository that keeps Git waiting is given up at the deadline, with everything it started", async (t) => {
  const { repositories, origin, directory, write, commit } = setUp(t, { timeoutMs: 500 });
  write("a.yaml", "a: 1\n");
  commit();
  execFileSync("mkfifo", [join(origin, ".git/packed-refs")]); // nobody ever writes to it
  await assert.rejects(repositories.resolve(origin, "HEAD"), {
    message: "failed to list refs: context deadline exceeded",
    unreachable: true,
  });
  await assert.rejects(repositories.tree(origin, "1".repeat(40)), { code: "DeadlineExceeded" });
  while (processesIn(directory).length > 0) await new Promise(setImmediate);
});

test("what runs ends when the platform does", async (t) => {
  const stopping = new AbortController();
  const { repositories, origin } = setUp(t, { signal: stopping.signal });
  execFileSync("mkfifo", [join(origin, ".git/packed-refs")]);
  const asked = assert.rejects(repositories.resolve(origin, "HEAD"), /context canceled/);
  stopping.abort();
  await asked;
  await assert.rejects(repositories.resolve(origin, "HEAD"), /context canceled/);
});

test("what is kept of repositories is the user's alone", async (t) => {
  const { repositories, origin, cache, commit } = setUp(t);
  await repositories.tree(origin, commit());
  assert.equal(statSync(cache).mode & 0o777, 0o700);
});

/** Command lines of live processes that name a directory. */
function processesIn(directory: string): string[] {
  const listing = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
  return listing.split("\n").filter((line) => line.includes(directory));
}

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { commandGit } from "./command-git.ts";
import { withoutCredentials } from "./repositories.ts";

const root = mkdtempSync(join(tmpdir(), "gitops-git-"));
after(() => rmSync(root, { recursive: true, force: true }));
const origin = join(root, "origin");
const git = (...args: string[]) =>
  execFileSync(
    "git",
    ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main", "-C", origin, ...args],
    { encoding: "utf8" },
  ).trim();

await mkdir(join(origin, "app"), { recursive: true });
git("init", "--quiet");
writeFileSync(join(origin, "app/a.yaml"), "a: 1\n");
writeFileSync(join(origin, "app/é b.yaml"), "b: 2\n");
symlinkSync("a.yaml", join(origin, "app/link.yaml"));
git("add", ".");
git("commit", "--quiet", "-m", "one");
git("tag", "v1.2.0");
const first = git("rev-parse", "HEAD");
writeFileSync(join(origin, "app/a.yaml"), "a: 2\n");
git("commit", "--quiet", "-am", "two");
git("tag", "-a", "v1.3.1", "-m", "annotated");
const second = git("rev-parse", "HEAD");
const repositories = commandGit({ directory: join(root, "cache") });

test("names resolve to commits: the default branch, branches, tags, short SHAs, semver constraints", async () => {
  for (const url of [origin, `file://${origin}`]) {
    assert.equal(await repositories.resolve(url, ""), second);
    assert.equal(await repositories.resolve(url, "HEAD"), second);
    assert.equal(await repositories.resolve(url, "main"), second);
    assert.equal(await repositories.resolve(url, "v1.2.0"), first);
    assert.equal(await repositories.resolve(url, "v1.3.1"), second, "an annotated tag names its commit");
    assert.equal(await repositories.resolve(url, "1.2.*"), first);
    assert.equal(await repositories.resolve(url, ">=1.0 <2.0"), second);
    assert.equal(await repositories.resolve(url, second.slice(0, 8)), second);
  }
  await assert.rejects(
    repositories.resolve(origin, "v9"),
    /^SourceError: unable to resolve 'v9' to a commit SHA$/,
  );
});

test("a commit is read without a checkout, links inside it followed", async () => {
  const tree = await repositories.tree(origin, first);
  assert.deepEqual(tree.files, ["app/a.yaml", "app/link.yaml", "app/é b.yaml"]);
  const contents = await tree.read(["app/link.yaml", "app/é b.yaml", "nope"]);
  assert.deepEqual(
    [...contents].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]),
    [
      ["app/link.yaml", "a: 1\n"],
      ["app/é b.yaml", "b: 2\n"],
    ],
  );
  assert.equal(
    Buffer.from(
      (await (await repositories.tree(origin, second)).read(["app/a.yaml"])).get("app/a.yaml") ?? [],
    ).toString(),
    "a: 2\n",
  );
});

test("a link that leads out of the repository refuses it", async () => {
  symlinkSync("../../../../etc/passwd", join(origin, "app/evil.yaml"));
  git("add", ".");
  git("commit", "--quiet", "-m", "evil");
  const evil = git("rev-parse", "HEAD");
  await assert.rejects(repositories.tree(origin, evil), /out-of-bounds symlinks. file: app\/evil.yaml/);
});

test("missing repositories and forbidden URLs are told in one line", async () => {
  await assert.rejects(
    repositories.resolve("file:///no/such/repo", "HEAD"),
    /failed to list refs: repository not found$/,
  );
  for (const url of ["ext::sh -c id", "--upload-pack=/bin/sh", "ssh://host/x", "git@host:x", "relative"]) {
    await assert.rejects(repositories.resolve(url, "HEAD"), /repository URL .* is not allowed/);
  }
});

test("credentials of a URL never show", () => {
  assert.equal(
    withoutCredentials("fatal: https://user:secret@host/x not found"),
    "fatal: https://host/x not found",
  );
});

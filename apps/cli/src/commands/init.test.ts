import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { temporaryDirectory } from "@tracegate/kubelet/testing";
import { readConfiguration } from "@tracegate/platform";
import { parse } from "yaml";

const dir = temporaryDirectory();
test.after(() => dir[Symbol.dispose]());
const main = fileURLToPath(new URL("../main.ts", import.meta.url));

let made = 0;
/** A directory with a program in it. */
function project(name: string): string {
  made += 1;
  const path = join(dir.path, String(made), name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "server.mjs"), "");
  return path;
}

function tracegate(cwd: string, env: NodeJS.ProcessEnv, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", main, ...args],
    { cwd, encoding: "utf8", env },
  );
  return { status, stdout, stderr };
}
const init = (cwd: string, ...args: string[]) => tracegate(cwd, process.env, "init", ...args);
const git = (cwd: string, ...args: string[]) => execFileSync("git", args, { cwd, encoding: "utf8" }).trim();
const sourceOf = (cwd: string) =>
  (
    parse(readFileSync(join(cwd, "application.yaml"), "utf8")) as {
      spec: { source: { repoURL: string; path: string } };
    }
  ).spec.source;

test("where there is no repository, one is made, and what was written is its first commit", () => {
  const cwd = project("My Shop 2");
  const { status, stdout } = init(cwd, "node server.mjs");
  assert.equal(status, 0);
  assert.match(stdout, /Committed them to a new Git repository/);
  assert.match(stdout, /rollouts status my-shop-2 -n my-shop-2/);
  assert.equal(git(cwd, "status", "--porcelain"), "?? server.mjs");
  assert.deepEqual(sourceOf(cwd), {
    repoURL: pathToFileURL(cwd).href,
    targetRevision: "HEAD",
    path: "release",
  });
  const { images, applications } = readConfiguration({ cwd });
  const [image] = images;
  assert.deepEqual([images.length, image?.pattern, image?.workingDir], [1, "local/my-shop-2:*", cwd]);
  assert.deepEqual([image?.command, image?.env], [["node", "server.mjs"], {}]);
  assert.deepEqual(applications, [join(cwd, "application.yaml")]);
});

test("in a directory of a repository, committing is left to the user, and the path starts at its root", () => {
  const root = project("mono");
  git(root, "init", "--quiet");
  const cwd = join(root, "apps", "shop");
  mkdirSync(cwd, { recursive: true });
  const { status, stdout } = init(cwd, "node ../../server.mjs", "--name", "shop");
  assert.equal(status, 0);
  assert.match(stdout, /git add tracegate\.yaml application\.yaml release && git commit/);
  const { repoURL, path } = sourceOf(cwd);
  assert.deepEqual({ repoURL, path }, { repoURL: pathToFileURL(root).href, path: "apps/shop/release" });
  assert.equal(git(root, "status", "--porcelain", "apps"), "?? apps/");
});

test("a .gitignore that is there stays as it is", () => {
  const cwd = project("shop");
  writeFileSync(join(cwd, ".gitignore"), "mine\n");
  assert.equal(init(cwd, "node server.mjs").status, 0);
  assert.equal(readFileSync(join(cwd, ".gitignore"), "utf8"), "mine\n");
});

test("variables before the command, quotes and odd words come out as they went in", () => {
  const cwd = project("odd");
  const { status, stderr } = init(cwd, `LEVEL='a "b": c' node server.mjs --name="x: y" '#1' 日本`);
  assert.equal(status, 0, stderr);
  const [image] = readConfiguration({ cwd }).images;
  assert.deepEqual(image?.env, { LEVEL: 'a "b": c' });
  assert.deepEqual(image?.command, ["node", "server.mjs", "--name=x: y", "#1", "日本"]);
});

for (const [what, args, message] of [
  [
    "a program that is on no PATH",
    ["nosuch --x"],
    /^tracegate: nosuch --x: the program "nosuch" is on no PATH/,
  ],
  ["a file that is not there", ["./nosuch"], /^tracegate: \.\/nosuch: .*\/shop\/nosuch is not there/],
  ["a file that is no program", ["./server.mjs"], /^tracegate: \.\/server\.mjs: .*is no program.*chmod \+x/],
  ["what only a shell can do", ["node x | cat"], /\| means nothing without a shell/],
  ["no command", [""], /there is no command/],
  ["a port out of range", ["node server.mjs", "--port", "70000"], /--port: "70000" is no port/],
  ["a name that is none", ["node server.mjs", "--name", "My Shop"], /--name: "My Shop" cannot be the name/],
  ["a command in many words", ["node", "server.mjs"], /too many|unexpected|one word/i],
] as const) {
  test(`${what} is refused in one line, and nothing is written`, () => {
    const cwd = project("shop");
    const { status, stdout, stderr } = init(cwd, ...args);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    assert.deepEqual(readdirSync(cwd), ["server.mjs"]);
  });
}

test("nothing is overwritten", () => {
  const cwd = project("shop");
  writeFileSync(join(cwd, "application.yaml"), "mine");
  const { status, stderr } = init(cwd, "node server.mjs");
  assert.equal(status, 2);
  assert.match(stderr, /application\.yaml is there already.*Nothing was written/);
  assert.equal(existsSync(join(cwd, "tracegate.yaml")), false);
});

test("a machine without git is told so in one line, and nothing is written", () => {
  const cwd = project("shop");
  const env = { PATH: join(dir.path, "nothing") };
  const { status, stdout, stderr } = tracegate(cwd, env, "init", "./server.mjs");
  assert.deepEqual([status, stdout], [3, ""]);
  assert.match(stderr, /^tracegate: git is not installed, or not on the PATH\. Install git: .*\n$/);
  assert.deepEqual(readdirSync(cwd), ["server.mjs"]);
});

test("a script that is not there is noted: it may be built later, or be a slip", () => {
  const cwd = project("shop");
  const { status, stdout } = init(cwd, "node --enable-source-maps dist/server.js");
  assert.equal(status, 0);
  assert.match(stdout, /^Note: dist\/server\.js is not there yet, and nothing runs without it\.$/m);
  assert.doesNotMatch(init(project("shop"), "node server.mjs").stdout, /Note/);
});

test("a shell whose directory is gone is told so", () => {
  const cwd = project("gone");
  const script = 'rm -r "$PWD" && exec "$@"';
  const { status, stderr } = spawnSync("sh", ["-c", script, "-", process.execPath, main, "status"], {
    cwd,
    encoding: "utf8",
  });
  assert.equal(status, 2);
  assert.equal(stderr, "The directory of this shell is not there any more. Go to another one first: cd\n");
});

test("a state directory that cannot be made is one line in the background, too", () => {
  const cwd = project("shop");
  const { status, stdout, stderr } = tracegate(cwd, process.env, "up", "--detach", "--state", "/proc/nope");
  assert.deepEqual([status, stdout], [3, ""]);
  assert.match(stderr, /^tracegate: \/proc\/nope: the state directory cannot be written \(ENOENT\)\. .*\n$/);
});

test("who has told git no name is told how to, since the next commit is theirs", () => {
  const nobody = {
    ...process.env,
    HOME: dir.path,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
  };
  const { status, stdout } = tracegate(project("shop"), nobody, "init", "node server.mjs");
  assert.equal(status, 0);
  assert.match(stdout, /^Note: git does not know who you are.*git config user\.email/m);
  const known = {
    ...nobody,
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "user.email",
    GIT_CONFIG_VALUE_0: "a@b.c",
  };
  assert.doesNotMatch(tracegate(project("shop"), known, "init", "node server.mjs").stdout, /Note/);
});

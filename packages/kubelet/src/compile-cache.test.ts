import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNamespaces, temporaryDirectory } from "../testing/index.ts";
import { fillCompileCache } from "./compile-cache.ts";
import { compileCachePath } from "./image-catalogue.ts";

const skip = skipWithoutNamespaces();
const programs = [{ entry: "images/own/src/main.ts", args: [] }];

/** A project of one program; `source` is its code. */
function project(root: string, source: string): string {
  mkdirSync(join(root, "images/own/src"), { recursive: true });
  for (const part of ["packages", "node_modules"]) mkdirSync(join(root, part), { recursive: true });
  for (const file of ["package.json", "package-lock.json"])
    writeFileSync(join(root, file), '{"type":"module"}');
  const main = join(root, "images/own/src/main.ts");
  writeFileSync(main, source);
  return main;
}

test("a program's compiled code is kept once, and again after its source has changed", { skip }, async () => {
  using dir = temporaryDirectory();
  const main = project(dir.path, "const word: string = 'hello'; console.log(word);\n");
  assert.equal(await fillCompileCache({ projectRoot: dir.path, programs }), "filled");
  const kept = readdirSync(join(dir.path, compileCachePath), { recursive: true });
  // Named by Node's version and the user's id, which is root's in a pod.
  assert.ok(
    kept.some((name) => /^v\d+.*-0\/.+/.test(String(name))),
    String(kept),
  );
  assert.equal(await fillCompileCache({ projectRoot: dir.path, programs }), "was full");
  utimesSync(main, new Date(), new Date(Date.UTC(2100, 0)));
  assert.equal(await fillCompileCache({ projectRoot: dir.path, programs }), "filled");
});

test("a program that fails, a cache that cannot be written, and an end in between are no errors", {
  skip,
}, async () => {
  using dir = temporaryDirectory();
  project(dir.path, "process.exit(3);\n");
  assert.equal(await fillCompileCache({ projectRoot: dir.path, programs }), "failed");
  const signal = AbortSignal.abort();
  assert.equal(await fillCompileCache({ projectRoot: dir.path, programs, signal }), "failed");
  rmSync(join(dir.path, "node_modules/.cache"), { recursive: true });
  writeFileSync(join(dir.path, "node_modules/.cache"), "a file where the directory would be");
  assert.equal(await fillCompileCache({ projectRoot: dir.path, programs }), "failed");
});

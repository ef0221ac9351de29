import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { shellSetup } from "./shell-setup.ts";

const bins = mkdtempSync(join(tmpdir(), "tracegate shell "));
writeFileSync(join(bins, "argocd"), "");
test.after(() => rmSync(bins, { recursive: true }));
const path = (env: Record<string, string>) => shellSetup("/k", env, bins)[1];

test("a shell that finds our clients needs the kubeconfig alone, another the PATH, too", () => {
  assert.deepEqual(shellSetup("/a b/k", { PATH: `/usr/bin:${bins}` }, bins), ["export KUBECONFIG='/a b/k'"]);
  assert.equal(path({ PATH: "/usr/bin" }), `export PATH='${bins}':$PATH`);
});

test("what npm puts on the PATH of what it runs is not there in the next shell", () => {
  const npm = "/npm/lib/node-gyp-bin";
  const run = { npm_command: "exec" };
  assert.equal(path({ ...run, PATH: `${bins}:${npm}:/usr/bin` }), `export PATH='${bins}':$PATH`);
  assert.equal(path({ ...run, PATH: `${bins}:${npm}:${bins}:/usr/bin` }), undefined);
});

test("an installed package has no directory of its own to name", () => {
  assert.equal(shellSetup("/k", { PATH: "/usr/bin" }, "/nowhere").length, 1);
});

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../support/tracegate.ts";

test("docs/errors.md lists exactly the codes of the problems that the code can name", () => {
  const used = new Set<string>();
  for (const file of globSync(["packages/*/src/**/*.ts", "apps/*/src/**/*.ts"], { cwd: root })) {
    if (file.endsWith(".test.ts")) continue;
    const text = readFileSync(join(root, file), "utf8");
    for (const [, code = ""] of text.matchAll(/(?:\bcode: |\bproblem\(path, )"([a-z]+\/[a-z-]+)"/g))
      used.add(code);
  }
  const listed = readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/^\| `([a-z]+\/[a-z-]+)` \|/gm);
  assert.deepEqual(
    [...listed].map(([, code]) => code),
    [...used].sort(),
  );
});

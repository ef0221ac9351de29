import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lint } from "./lint.ts";
import type { Plugin } from "./plugin.ts";

const rollout = (fields: string) => `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: c, image: x }] } }
  ${fields}
`;

test("a file's Rollouts are checked: unknown fields, then what their values say", async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), "lint-"));
  t.after(() => rmSync(cwd, { recursive: true }));
  const check = async (text: string) => {
    writeFileSync(join(cwd, "file.yaml"), text);
    let out = "";
    const io = {
      cwd,
      out(piece: string) {
        out += piece;
      },
    };
    try {
      await lint.run([], { filename: "file.yaml" }, { io } as unknown as Plugin); // all that it uses
      return { out, error: "" };
    } catch (error) {
      return { out, error: error instanceof Error ? error.message : "" };
    }
  };
  const good = rollout("strategy: { canary: { steps: [{ setWeight: 13 }] } }");
  const bad = rollout("strategy: { canary: { steps: [{ setWeight: 130 }] } }");
  assert.deepEqual(await check(`kind: Service\n---\n${good}`), { out: "", error: "" });
  assert.deepEqual(await check(`${good}---\n${bad}`), {
    out: "Invalid value: 130: SetWeight needs to be between 0 and 100\n",
    error: "spec.strategy.steps[0].setWeight: Invalid value: 130: SetWeight needs to be between 0 and 100",
  });
  assert.match((await check(rollout("replics: 2"))).error, /unknown field "replics"$/);
  assert.match((await check("a: [")).error, /^yaml: /);
});

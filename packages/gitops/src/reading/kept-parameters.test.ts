import assert from "node:assert/strict";
import { test } from "node:test";
import { SourceError } from "../git/repositories.ts";
import type { ApplicationSetSpec, GitGenerator } from "../types/application-set.ts";
import { keepParameters } from "./kept-parameters.ts";

const spec = (goTemplate: boolean) => ({ goTemplate, generators: [] }) as unknown as ApplicationSetSpec; // as much as counts
const generator = (path: string): GitGenerator => ({ repoURL: "file:///r", directories: [{ path }] });

function setUp(answer: (path: string) => Promise<readonly object[]>) {
  let asked = 0;
  const sources = keepParameters(
    {
      manifests: () => assert.fail("nobody renders"),
      parameters: ({ directories }) => {
        asked++;
        return answer(directories?.[0]?.path ?? "") as Promise<readonly Record<string, unknown>[]>; // plain objects
      },
    },
    2,
  );
  return {
    ask: (path: string, go = false, commit = "c") => sources.parameters(generator(path), spec(go), commit),
    asked: () => asked,
  };
}

test("the same question of the same commit is asked once; another commit, generator or language again", async () => {
  const { ask, asked } = setUp(async (path) => [{ path }]);
  assert.deepEqual(await ask("a"), [{ path: "a" }]);
  assert.deepEqual(await ask("a"), [{ path: "a" }]);
  assert.equal(asked(), 1);
  await ask("a", true);
  await ask("a", false, "d");
  assert.equal(asked(), 3);
  await ask("b");
  await ask("a");
  assert.equal(asked(), 5, "the oldest were forgotten");
});

test("what would fail again is remembered, what may pass is not", async () => {
  const lasting = setUp(() => Promise.reject(new SourceError("x", "ResourceExhausted", { lasting: true })));
  await assert.rejects(lasting.ask("a"));
  await assert.rejects(lasting.ask("a"));
  assert.equal(lasting.asked(), 1);
  const passing = setUp(() => Promise.reject(new SourceError("x", "Unknown", { unreachable: true })));
  await assert.rejects(passing.ask("a"));
  await assert.rejects(passing.ask("a"));
  assert.equal(passing.asked(), 2);
});

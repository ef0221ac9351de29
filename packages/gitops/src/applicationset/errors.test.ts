import assert from "node:assert/strict";
import { test } from "node:test";
import type { Generator } from "../types/application-set.ts";
import { combineMatrix, combineMerge } from "./combining.ts";
import { fillGoTemplate } from "./go-template.ts";
import { GeneratorError, type Params } from "./params.ts";

const filled = (text: string, params: object = { name: "a", x: { y: "1" } }) =>
  fillGoTemplate(text, params, { missingKey: "error" });
const message = (text: string) => {
  try {
    filled(text);
  } catch (error) {
    return error instanceof Error ? error.message.replace(text, "TEXT") : String(error);
  }
  return undefined;
};

test("a template that cannot be parsed tells the line, and what is wrong", () => {
  const parsing = "failed to parse template TEXT: template: ";
  assert.equal(message("a-{{.name"), `${parsing}:1: unclosed action`);
  assert.equal(message("a\n{{nope .name}}"), `${parsing}:2: function "nope" not defined`);
  assert.equal(message("{{if .name}}a"), `${parsing}:1: unexpected EOF`);
  assert.equal(message("a{{end}}"), `${parsing}:1: unexpected {{end}}`);
  assert.equal(message("{{$z}}"), `${parsing}:1: undefined variable "$z"`);
});

test("what is missing when it is filled in tells its line and its column in bytes", () => {
  const executing = "failed to execute go template TEXT: template: ";
  const missing = (place: string, path: string, key: string) =>
    `${executing}:${place}: executing "" at <${path}>: map has no entry for key "${key}"`;
  assert.equal(message("{{.nope}}"), missing("1:2", ".nope", "nope"));
  assert.equal(message("é-{{ .nope }}"), missing("1:6", ".nope", "nope"));
  assert.equal(message("a\nb{{ .x.nope }}"), missing("2:6", ".x.nope", "nope"));
  assert.equal(
    message('{{ fail "no" }}'),
    `${executing}:1:3: executing "" at <fail "no">: error calling fail: no`,
  );
});

/** A child generator gives the list that its one element names. */
const sets =
  (...lists: readonly (readonly Params[])[]) =>
  async ({ list }: Generator): Promise<readonly Params[]> => {
    const [element] = list?.elements ?? [];
    return lists[Number((element as { which: number } | undefined)?.which)] ?? []; // made by `child`
  };
const child = (index: number): Generator => ({ list: { elements: [{ which: index }] } });

test("a merge tells the key that two sets of one generator share", async () => {
  const generate = sets(
    [
      { b: "1", a: "x" },
      { a: "x", b: "1" },
    ],
    [{ a: "x" }],
  );
  const generators = [child(0), child(1)];
  await assert.rejects(combineMerge({ generators, mergeKeys: ["b", "a"] }, false, generate), {
    message:
      'error getting param sets by merge key: the parameters from a generator were not unique by the given mergeKeys, Merge requires all param sets to be unique. Duplicate key was {"a":"x","b":"1"}',
  });
  await assert.rejects(combineMerge({ generators, mergeKeys: [] }, false, generate), {
    message:
      "error getting param sets by merge key: no merge keys were specified, Merge requires at least one",
  });
});

test("what fails in a child generator says which one it was", async () => {
  const fail = async (): Promise<readonly Params[]> => {
    throw new GeneratorError("it cannot");
  };
  const generators = [child(0), child(1)];
  const told = "child generator returned an error on parameter generation: it cannot";
  await assert.rejects(combineMatrix({ generators }, false, fail), {
    message: `error failed to get params for first generator in matrix generator: ${told}`,
  });
  await assert.rejects(combineMerge({ generators, mergeKeys: ["a"] }, false, fail), {
    message: `error getting param sets from generators: error getting params from generator 1 of 2: ${told}`,
  });
});

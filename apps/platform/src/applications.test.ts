import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ProblemError } from "@tracegate/contracts";
import { temporaryDirectory } from "@tracegate/kubelet/testing";
import { checkApplications, readApplications } from "./applications.ts";

const dir = temporaryDirectory();
test.after(() => dir[Symbol.dispose]());

test("a file that is none, or holds anything else, is one problem with its name", () => {
  const laughs = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
  for (const text of [
    ["a0: &a0 lol", ...laughs].join("\n"),
    "a: *nowhere\n",
    "[".repeat(20_000),
    "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n",
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: [x]}\n",
    "!!js/function 'x'",
  ]) {
    const file = join(dir.path, "a.yaml");
    writeFileSync(file, text);
    const told = (error: unknown) => error instanceof ProblemError && error.message.startsWith(`${file}:`);
    assert.throws(() => readApplications([file]), told, text.slice(0, 40));
  }
  assert.throws(() => readApplications([dir.path]), ProblemError);
});

const good = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop
spec:
  project: default
  source: { repoURL: "file:///shop", path: release }
  destination: { server: https://kubernetes.default.svc, namespace: shop }
`;

const mistakes: readonly [from: string, to: string, error: string][] = [
  [good.slice(good.indexOf("spec:")), "", "1:1: spec: Required value"],
  ["name: shop\nspec", "name: Shop_1\nspec", "4:3: metadata.name: Invalid value"],
  ["name: shop\nspec", "labels: {}\nspec", "3:1: this Application has no name (expected text)"],
  [
    "name: shop\n",
    "name: shop\n  namespace: team\n",
    "5:3: nothing looks for Applications in team (expected argocd)",
  ],
  ["kind: Application", "kind: Deployment", "2:1: Deployment is not applied at the start"],
  ["  name: shop", "\tname: shop", "4:1: Tabs are not allowed as indentation (expected YAML)"],
];
for (const [from, to, error] of mistakes) {
  test(`a mistake in an Application is told with its place: ${error}`, async () => {
    const file = join(dir.path, "application.yaml");
    writeFileSync(file, good.replace(from, to));
    await assert.rejects(
      async () => checkApplications(readApplications([file])),
      ({ message, name }: Error) =>
        name === "ProblemError" && (message.startsWith(`${file}:${error}`) || assert.equal(message, error)),
    );
  });
}

test("a second manifest is looked at before the first is applied; a file without any is a mistake", async () => {
  const file = join(dir.path, "two.yaml");
  writeFileSync(file, `${good}---\n${good.replace("name: shop", "name: Shop")}`);
  await assert.rejects(
    async () => checkApplications(readApplications([file])),
    /two\.yaml:13:3: metadata\.name/,
  );
  writeFileSync(file, good);
  await checkApplications(readApplications([file]));
  writeFileSync(file, "# nothing yet\n");
  assert.throws(() => readApplications([file]), /two\.yaml: there is no manifest in it/);
});

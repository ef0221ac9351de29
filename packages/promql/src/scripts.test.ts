import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { engineTarget, runCommands } from "../testing/index.ts";

const folder = new URL("../testdata/", import.meta.url);

for (const file of readdirSync(folder).filter((name) => name.endsWith(".test"))) {
  test(`the script ${file} holds`, async () => {
    const broken: string[] = [];
    const text = readFileSync(new URL(file, folder), "utf8");
    await runCommands(text, engineTarget(), ({ message }) => broken.push(message));
    if (broken.length > 0) throw new Error(broken.join("\n"));
  });
}

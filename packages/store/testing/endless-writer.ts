/** Writes to the store named by the first argument until it is killed, and prints each revision once it is stored. */
import { writeSync } from "node:fs";
import { sqliteStore } from "../src/index.ts";

const store = sqliteStore(process.argv[2] ?? "");
for (let i = 1; i < 1_000_000; i++) {
  const { revision } = store.create(`pods/a/${i}`, () => ({ i }));
  writeSync(1, `${revision}\n`);
}

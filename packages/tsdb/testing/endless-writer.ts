// Appends one sample a commit for ever, and prints the time of each only after it was committed. Killed by its test.
import { writeSync } from "node:fs";
import { Labels } from "@tracegate/contracts";
import { Tsdb } from "../src/index.ts";

const tsdb = new Tsdb({
  dir: process.argv[2] ?? "",
  clock: { now: () => 0, after: () => new Promise(() => {}) },
});
const ref = tsdb.resolve(Labels.from({ __name__: "written" }));
for (let time = 1; ; time++) {
  tsdb.append(ref, time, time);
  tsdb.commit();
  writeSync(1, `${time}\n`);
}

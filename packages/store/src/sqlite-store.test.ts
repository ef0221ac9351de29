import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { ProblemError } from "@tracegate/contracts";
import { storeConformance } from "../testing/index.ts";
import { sqliteStore } from "./sqlite-store.ts";
import { type Change, CompactedError } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "store-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => join(folder, `${files++}.db`);
const problem = (code: string) => (error: unknown) =>
  error instanceof ProblemError && error.problem.code === code;
const value = (text: string) => () => ({ text });

storeConformance("sqlite", (options) => sqliteStore(newFile(), options));

test("values, revisions and history are there after opening again", async () => {
  const file = newFile();
  const first = sqliteStore(file);
  first.create("pods/a/x", value("1"));
  first.create("pods/a/y", value("2"));
  first.delete("pods/a/y", 2, value("last"));
  first.close();
  const second = sqliteStore(file);
  assert.equal(second.revision, 3);
  assert.deepEqual(
    second.list("pods/").map(({ value }) => value["text"]),
    ["1"],
  );
  const seen: Change[] = [];
  second.watch("pods/", 1, (change) => seen.push(change));
  await new Promise<void>((resolve) => setImmediate(resolve));
  assert.deepEqual(
    seen.map(({ revision, deleted }) => [revision, deleted]),
    [
      [2, false],
      [3, true],
    ],
  );
  second.close();
});

test("compaction survives, and revisions go on from where they were", () => {
  const file = newFile();
  const first = sqliteStore(file);
  first.create("pods/a/x", value("1"));
  first.update("pods/a/x", 1, value("2"));
  first.create("pods/a/y", value("3"));
  first.delete("pods/a/y", 3, value("3"));
  first.compact(4);
  first.close();
  const second = sqliteStore(file);
  assert.equal(second.revision, 4);
  assert.deepEqual(second.list("").length + second.list("pods/").length, 1);
  assert.throws(() => second.watch("pods/", 3, () => {}), CompactedError);
  assert.equal(second.create("pods/a/z", value("5")).revision, 5);
  second.close();
});

test("a file in use by another holder is refused", () => {
  const file = newFile();
  const holder = sqliteStore(file);
  assert.throws(() => sqliteStore(file), problem("store/locked"));
  holder.close();
  sqliteStore(file).close();
});

test("a file of something else is refused and left alone", () => {
  const text = newFile();
  writeFileSync(text, "this is no database, but it is long enough to look at ".repeat(40));
  assert.throws(() => sqliteStore(text), problem("store/foreign-file"));
  const other = newFile();
  const database = new DatabaseSync(other);
  database.exec("PRAGMA application_id = 7; CREATE TABLE theirs (x)");
  database.close();
  assert.throws(() => sqliteStore(other), problem("store/foreign-file"));
});

test("a place that cannot be written is a clear problem", () => {
  assert.throws(() => sqliteStore(join(folder, "missing", "x.db")), problem("store/unwritable"));
  if (process.getuid?.() === 0) return; // root may write anywhere
  const file = newFile();
  sqliteStore(file).close();
  chmodSync(file, 0o400);
  assert.throws(() => sqliteStore(file), problem("store/unwritable"));
});

test("a full disk refuses the write and keeps what was there", () => {
  const file = newFile();
  const store = sqliteStore(file, { pageLimit: 40 });
  const big = "x".repeat(4000);
  let stored = 0;
  assert.throws(() => {
    for (let i = 0; i < 1000; i++) {
      store.create(`pods/a/${i}`, value(big));
      stored++;
    }
  }, problem("store/disk-full"));
  assert.equal(store.count("pods/"), stored);
  assert.equal(store.revision, stored);
  store.close();
  const again = sqliteStore(file);
  assert.equal(again.count("pods/"), stored);
  again.close();
});

test("killing the writer loses nothing that was acknowledged", async () => {
  const file = newFile();
  const child = spawn(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    join(import.meta.dirname, "../testing/endless-writer.ts"),
    file,
  ]);
  const lines = createInterface({ input: child.stdout });
  let acknowledged = 0;
  for await (const line of lines) {
    acknowledged = Number(line);
    if (acknowledged === 500) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.ok(acknowledged >= 500);
  const store = sqliteStore(file);
  assert.ok(store.revision >= acknowledged, `${store.revision} of ${acknowledged}`);
  assert.equal(store.count("pods/"), store.revision);
  store.close();
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Change, CompactedError, type Store, type StoreOptions, WriteConflict } from "../src/index.ts";

/** What every store must do. `open` makes an empty one. */
export function storeConformance(name: string, open: (options?: StoreOptions) => Store): void {
  const value = (text: string) => (revision: number) => ({ text, revision });
  const conflict = (cause: string) => (error: unknown) =>
    error instanceof WriteConflict && error.why === cause;
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const check = (fact: string, body: (store: Store) => void | Promise<void>, options?: StoreOptions) =>
    test(`${name}: ${fact}`, async () => {
      const store = open(options);
      try {
        await body(store);
      } finally {
        store.close();
      }
    });

  check("revisions rise by one with every change and are known to the value", (store) => {
    assert.equal(store.revision, 0);
    assert.deepEqual(store.create("pods/a/x", value("1")).value, { text: "1", revision: 1 });
    assert.equal(store.update("pods/a/x", 1, value("2")).revision, 2);
    assert.equal(store.delete("pods/a/x", 2, value("3")).revision, 3);
    assert.equal(store.revision, 3);
    assert.equal(store.get("pods/a/x"), undefined);
  });

  check("conditional writes are refused when the key has moved on", (store) => {
    store.create("pods/a/x", value("1"));
    assert.throws(() => store.create("pods/a/x", value("2")), conflict("exists"));
    store.update("pods/a/x", 1, value("2"));
    assert.throws(() => store.update("pods/a/x", 1, value("3")), conflict("changed"));
    assert.throws(() => store.delete("pods/a/x", 1, value("3")), conflict("changed"));
    assert.throws(() => store.update("pods/a/y", 1, value("3")), conflict("missing"));
    assert.equal(store.revision, 2);
  });

  check("lists are in the order of keys and end at the prefix", (store) => {
    for (const key of ["pods/b/x", "pods/a/y", "pods/a/x", "pods/ab/x", "podsets/a/x"])
      store.create(key, value(key));
    assert.deepEqual(
      store.list("pods/a/").map(({ key }) => key),
      ["pods/a/x", "pods/a/y"],
    );
    assert.deepEqual(
      store.list("pods/").map(({ key }) => key),
      ["pods/a/x", "pods/a/y", "pods/ab/x", "pods/b/x"],
    );
    assert.equal(store.count("pods/"), 4);
    assert.equal(store.count("pods/a/"), 2);
    assert.deepEqual(store.list("nothing/"), []);
  });

  check("a list at a revision shows the past", (store) => {
    store.create("pods/a/x", value("1"));
    store.create("pods/a/y", value("2"));
    store.update("pods/a/x", 1, value("3"));
    store.delete("pods/a/y", 2, value("gone"));
    const texts = (revision: number) => store.list("pods/", revision).map((entry) => entry.value["text"]);
    assert.deepEqual(texts(1), ["1"]);
    assert.deepEqual(texts(2), ["1", "2"]);
    assert.deepEqual(texts(3), ["3", "2"]);
    assert.deepEqual(texts(4), ["3"]);
  });

  check("a watch replays history and goes on with what follows, each change once", async (store) => {
    store.create("pods/a/x", value("1"));
    store.create("other/a/x", value("2"));
    const seen: Change[] = [];
    store.watch("pods/", 0, (change) => seen.push(change));
    store.update("pods/a/x", 1, value("3"));
    assert.equal(seen.length, 0, "nothing is delivered inside a call");
    await turn();
    store.delete("pods/a/x", 3, value("4"));
    await turn();
    assert.deepEqual(
      seen.map(({ revision, deleted, value, previous }) => [
        revision,
        deleted,
        value["text"],
        previous?.["text"],
      ]),
      [
        [1, false, "1", undefined],
        [3, false, "3", "1"],
        [4, true, "4", "3"],
      ],
    );
  });

  check("a listener that writes keeps the order for everyone", async (store) => {
    const seen: number[][] = [[], []];
    store.watch("pods/", 0, (change) => {
      seen[0]?.push(change.revision);
      if (change.revision === 1) store.create("pods/a/y", value("2"));
    });
    store.watch("pods/", 0, (change) => seen[1]?.push(change.revision));
    store.create("pods/a/x", value("1"));
    await turn();
    assert.deepEqual(seen, [
      [1, 2],
      [1, 2],
    ]);
  });

  check("nothing arrives after a watch is stopped", async (store) => {
    let count = 0;
    const stop = store.watch("pods/", 0, () => count++);
    store.create("pods/a/x", value("1"));
    stop();
    await turn();
    assert.equal(count, 0);
  });

  check("compaction keeps values and refuses older readers", (store) => {
    store.create("pods/a/x", value("1"));
    store.update("pods/a/x", 1, value("2"));
    store.create("pods/a/y", value("3"));
    store.compact(2);
    assert.equal(store.compactedRevision, 2);
    assert.equal(store.get("pods/a/x")?.value["text"], "2");
    assert.throws(() => store.watch("pods/", 1, () => {}), CompactedError);
    assert.throws(() => store.list("pods/", 1), CompactedError);
    assert.deepEqual(
      store.list("pods/", 2).map(({ value }) => value["text"]),
      ["2"],
    );
    store.watch("pods/", 2, () => {})();
  });

  check(
    "history is bounded",
    (store) => {
      for (let i = 0; i < 200; i++) store.create(`pods/a/${i}`, value("x"));
      assert.ok(store.compactedRevision > 100, `compacted up to ${store.compactedRevision}`);
      assert.equal(store.count("pods/"), 200);
    },
    { historyLimit: 20 },
  );
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { clip, fold, liveArea } from "./live-area.ts";

test("drawing again erases what was drawn, printing puts lines above it, equal lines draw nothing", () => {
  let written = "";
  const area = liveArea(
    (text) => {
      written += text;
    },
    () => ({ columns: 20, rows: 10 }),
  );
  area.draw(["a", "b"]);
  assert.equal(written, "\r\u001b[Ja\nb\n");
  written = "";
  area.draw(["a", "b"]);
  assert.equal(written, "");
  area.print("note\n");
  assert.equal(written, "\r\u001b[2A\u001b[Jnote\na\nb\n");
  written = "";
  area.draw(["c"]);
  assert.equal(written, "\r\u001b[2A\u001b[Jc\n");
});

test("a region higher than the screen keeps its end", () => {
  let written = "";
  const area = liveArea(
    (text) => {
      written += text;
    },
    () => ({ columns: 20, rows: 3 }),
  );
  area.draw(["1", "2", "3", "4"]);
  assert.equal(written, "\r\u001b[J3\n4\n");
});

test("clipping counts cells: colours take none, pictographs two", () => {
  assert.equal(clip("abcdef", 3), "abc");
  assert.equal(clip("\u001b[31mabcdef\u001b[0m", 3), "\u001b[31mabc\u001b[0m");
  assert.equal(clip("⟳ 📦x", 4), "⟳ 📦");
});

test("a text that is longer than the terminal is wide goes on below where it began; rows of tables are cut", () => {
  assert.deepEqual(fold("Message:  the gate said no and no", 20), [
    "Message:  the gate",
    "          said no",
    "          and no",
  ]);
  assert.deepEqual(fold("no label, but long", 10), ["no label,", "but long"]);
  assert.deepEqual(fold("short", 10), ["short"]);
  assert.deepEqual(fold("unbreakable", 5), ["unbre"]);
  assert.deepEqual(fold("\u001b[31ma row of a table\u001b[0m", 5), ["\u001b[31ma row\u001b[0m"]);
});

test("what is folded is erased again as a whole", () => {
  let written = "";
  const area = liveArea(
    (text) => {
      written += text;
    },
    () => ({ columns: 11, rows: 10 }),
  );
  area.draw(["one two three"]);
  assert.equal(written, "\r\u001b[Jone two\nthree\n");
  written = "";
  area.draw(["x"]);
  assert.equal(written, "\r\u001b[2A\u001b[Jx\n");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { readCommandLine } from "./command-words.ts";

for (const [line, words, env] of [
  ["node server.mjs", ["node", "server.mjs"], {}],
  ["  ./shop   --verbose ", ["./shop", "--verbose"], {}],
  [`sh -c 'exec ./shop | cat' "two words" a"b"c`, ["sh", "-c", "exec ./shop | cat", "two words", "abc"], {}],
  ["echo ''", ["echo", ""], {}],
  ["LEVEL=debug _A='b c' ./shop X=y", ["./shop", "X=y"], { LEVEL: "debug", _A: "b c" }],
  ["EMPTY= ./shop", ["./shop"], { EMPTY: "" }],
  ["./shop --url=http://x/?a=b#c --home=~/x", ["./shop", "--url=http://x/?a=b#c", "--home=~/x"], {}],
  ["./shop '*.mjs' '~'", ["./shop", "*.mjs", "~"], {}],
] as const) {
  test(`words of ${line}`, () => assert.deepEqual(readCommandLine(line), { words, env }));
}

for (const [line, message] of [
  ["", /: there is no command/],
  ["  ", /: there is no command/],
  ["A=b", /A=b: there is no command/],
  ["a | b", /\| means nothing without a shell/],
  ["a $HOME", /\$ means nothing without a shell/],
  ["a 'b", /' means nothing without a shell/],
  ["node *.mjs", /\* means nothing without a shell.*For a shell, say so/],
  ["~/shop", /~ means nothing without a shell/],
  ["./shop # fast", /# means nothing without a shell/],
] as const) {
  test(`${JSON.stringify(line)} is refused`, () => assert.throws(() => readCommandLine(line), message));
}

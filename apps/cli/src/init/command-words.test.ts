import assert from "node:assert/strict";
import { test } from "node:test";
import { splitWords } from "./command-words.ts";

for (const [line, words] of [
  ["node server.mjs", ["node", "server.mjs"]],
  ["  ./shop   --verbose ", ["./shop", "--verbose"]],
  [`sh -c 'exec ./shop | cat' "two words" a"b"c`, ["sh", "-c", "exec ./shop | cat", "two words", "abc"]],
  ["echo ''", ["echo", ""]],
] as const) {
  test(`words of ${line}`, () => assert.deepEqual(splitWords(line), words));
}

for (const [line, message] of [
  ["", /there is no command/],
  ["a | b", /\| means nothing without a shell/],
  ["a $HOME", /\$ means nothing without a shell/],
  ["a 'b", /' means nothing without a shell/],
] as const) {
  test(`${JSON.stringify(line)} is refused`, () => assert.throws(() => splitWords(line), message));
}

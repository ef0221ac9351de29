import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { SPDY_DICTIONARY } from "./dictionary.ts";

test("the dictionary is the one that the first block of every client names", () => {
  assert.equal(SPDY_DICTIONARY.length, 1423);
  const block = deflateSync(Buffer.alloc(4), { dictionary: SPDY_DICTIONARY });
  // Its Adler-32 follows the two bytes of the zlib header.
  assert.equal(block.subarray(2, 6).toString("hex"), "e3c6a7c2");
});

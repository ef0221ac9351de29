import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseRefs, refsNaming, resolveRef } from "./refs.ts";

const sha = fc.stringMatching(/^[0-9a-f]{40}$/);
const word = fc.constantFrom("main", "dev", "é", "v1.2.0", "1.2.1", "v1.3.0", "v2.0.0-rc1", "main/x");
const ref = fc
  .tuple(fc.constantFrom("refs/heads/", "refs/tags/", "refs/pull/"), word, fc.option(fc.constant("^{}")))
  .map(([kind, name, peeled]) => `${kind}${name}${kind === "refs/tags/" ? (peeled ?? "") : ""}`);

test("read as it comes and thinned out, a listing names what all of it would", () => {
  const listing = fc.uniqueArray(fc.tuple(sha, fc.oneof(ref, fc.constant("HEAD"))), {
    maxLength: 12,
    selector: ([, name]) => name,
  });
  const revision = fc.oneof(
    word,
    fc.constantFrom("", "HEAD", "1.2.*", ">=1.0 <2.0", "*", "refs/pull/dev", "nope"),
  );
  fc.assert(
    fc.property(listing, revision, fc.nat(), fc.integer({ min: 1, max: 50 }), (lines, named, pick, size) => {
      const bytes = Buffer.from(lines.map(([id, name]) => `${id}\t${name}\n`).join(""));
      const short = lines[pick % Math.max(1, lines.length)]?.[0].slice(0, 8) ?? "0000000";
      for (const wanted of [named, short]) {
        const { add, refs } = refsNaming(wanted);
        for (let at = 0; at < bytes.length; at += size) add(bytes.subarray(at, at + size));
        assert.equal(resolveRef(refs(), wanted), resolveRef(parseRefs(bytes.toString()), wanted), wanted);
      }
    }),
  );
});

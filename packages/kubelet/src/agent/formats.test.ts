import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { temporaryDirectory } from "../../testing/index.ts";
import { readLogFile } from "../logs/log-file.ts";
import { openLog, rfc3339Nano } from "./log-writer.ts";
import { lockedFlags, renderFstab } from "./mount-table.ts";
import { encodeFrame, frameDecoder } from "./stream-frames.ts";
import { replaceVolumeFiles } from "./volume-files.ts";

const clock = { now: () => 0, after: async () => {} };

async function text(file: string, options = {}): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of readLogFile(file, options, { clock, ended: () => true })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function writeLog(file: string, chunks: readonly (string | Buffer)[], maxBytes = 1 << 20): void {
  let ns = 1_700_000_000_000_000_000n;
  const log = openLog(file, { maxBytes, now: () => (ns += 1_000_000_000n) });
  for (const chunk of chunks) log.write("stdout", Buffer.from(chunk));
  log.close();
}

test("a log entry has time, stream, tag and line; a last line without an end is whole", () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, "c", "0.log");
  writeLog(file, ["one\ntw", "o\nrest"]);
  assert.equal(
    readFileSync(file, "utf8"),
    "2023-11-14T22:13:21.000000000Z stdout F one\n2023-11-14T22:13:22.000000000Z stdout F two\n2023-11-14T22:13:23.000000000Z stdout F rest\n",
  );
});

test("what is printed in any pieces is read back as it was, long lines included", async () => {
  using dir = temporaryDirectory();
  let run = 0;
  const piece = fc.oneof(
    fc.string(),
    fc.constant("\n"),
    fc.nat(40_000).map((length) => "x".repeat(length)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
      run += 1;
      const file = join(dir.path, `${run}.log`);
      writeLog(file, pieces);
      const whole = pieces.join("");
      assert.equal(await text(file), whole === "" || whole.endsWith("\n") ? whole : `${whole}\n`);
    }),
    { numRuns: 50 },
  );
});

test("tail, since, timestamps and limitBytes choose what is shown", async () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, "0.log");
  writeLog(file, ["a\n", "b\n", "c\n"]);
  assert.equal(await text(file, { tailLines: 2 }), "b\nc\n");
  assert.equal(await text(file, { tailLines: 0 }), "");
  assert.equal(await text(file, { tailLines: 9 }), "a\nb\nc\n");
  assert.equal(await text(file, { since: 1_700_000_003_000 }), "c\n");
  assert.equal(await text(file, { tailLines: 1, timestamps: true }), "2023-11-14T22:13:23.000000000Z c\n");
  assert.equal(await text(file, { limitBytes: 3 }), "a\nb");
});

test("a log over its size is rotated once, and the reader joins both files", async () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, "0.log");
  writeLog(
    file,
    Array.from({ length: 8 }, (_, i) => `line ${i}\n`),
    130,
  );
  assert.deepEqual(readdirSync(dir.path).sort(), ["0.log", "0.log.1"]);
  assert.equal(
    await text(file),
    "line 3\nline 4\nline 5\nline 6\nline 7\n".slice(-(await text(file)).length),
  );
  assert.equal(await text(file, { tailLines: 4 }), "line 4\nline 5\nline 6\nline 7\n");
});

test("following goes on to the end of the container", async () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, "0.log");
  const log = openLog(file, { maxBytes: 1 << 20, now: () => 0n });
  log.write("stdout", Buffer.from("first\n"));
  let looks = 0;
  const waiting = {
    now: () => 0,
    after: async () => {
      looks += 1;
      if (looks === 1) log.write("stderr", Buffer.from("second\n"));
    },
  };
  const seen: string[] = [];
  for await (const chunk of readLogFile(file, { follow: true }, { clock: waiting, ended: () => looks >= 2 }))
    seen.push(chunk.toString());
  log.close();
  assert.deepEqual(seen, ["first\n", "second\n"]);
});

test("nanoseconds are printed in full", () =>
  assert.equal(rfc3339Nano(1n), "1970-01-01T00:00:00.000000001Z"));

test("frames come out as they went in, however the bytes are cut", () => {
  const frame = fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 6 }), fc.integer({ min: 1, max: 7 }), (frames, step) => {
      const bytes = Buffer.concat(frames.map(([number, payload]) => encodeFrame(number, payload)));
      const seen: [number, string][] = [];
      const decode = frameDecoder((number, payload) => seen.push([number, payload.toString("hex")]));
      for (let at = 0; at < bytes.length; at += step) decode(bytes.subarray(at, at + step));
      assert.deepEqual(
        seen,
        frames.map(([number, payload]) => [number, Buffer.from(payload).toString("hex")]),
      );
    }),
  );
});

test("a frame over the limit is refused before it is collected", () => {
  const decode = frameDecoder(() => assert.fail());
  assert.throws(() => decode(Buffer.from([1, 255, 255, 255, 255])), /over the limit/);
});

test("blanks in paths are escaped in an fstab", () => {
  assert.equal(
    renderFstab([{ source: "/a b", target: "/c#\\", type: "none", options: ["bind", "ro"] }]),
    "/a\\040b /c\\043\\134 none bind,ro 0 0\n",
  );
});

test("a read-only bind repeats the flags of the mount that holds the path", () => {
  const mountinfo = [
    "1 0 8:1 / / rw,relatime - ext4 /dev/a rw",
    "2 1 8:2 / /home rw,nosuid,nodev,relatime - ext4 /dev/b rw",
    "3 2 8:3 / /home/my\\040files rw,noexec - ext4 /dev/c rw",
  ].join("\n");
  assert.deepEqual(lockedFlags(mountinfo, "/usr"), []);
  assert.deepEqual(lockedFlags(mountinfo, "/home/me"), ["nosuid", "nodev"]);
  assert.deepEqual(lockedFlags(mountinfo, "/home/my files/x"), ["noexec"]);
  assert.deepEqual(lockedFlags(mountinfo, "/homes"), []);
});

test("a volume's files are replaced together: what is gone is gone, what is new is there", () => {
  using dir = temporaryDirectory();
  const volume = join(dir.path, "v");
  mkdirSync(volume);
  const file = (path: string, content: string) => ({
    path,
    content: Buffer.from(content).toString("base64"),
    mode: 0o644,
  });
  replaceVolumeFiles(volume, [file("a", "1"), file("sub/b", "1")]);
  replaceVolumeFiles(volume, [file("a", "2"), file("c", "2")]);
  assert.equal(readFileSync(join(volume, "a"), "utf8"), "2");
  assert.deepEqual(
    readdirSync(volume)
      .filter((name) => !name.startsWith("..files_"))
      .sort(),
    ["..data", "a", "c"],
  );
  assert.equal(readdirSync(volume).filter((name) => name.startsWith("..files_")).length, 1);
});

test("a volume's file never lands outside the volume", () => {
  using dir = temporaryDirectory();
  const volume = join(dir.path, "v");
  mkdirSync(volume);
  replaceVolumeFiles(volume, [{ path: "../../escaped", content: "", mode: 0o644 }]);
  assert.deepEqual(readdirSync(dir.path), ["v"]);
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { inTerminal, terminalInPs } from "./terminal.ts";

// As macOS prints it; the second column of terminals is that of a process without one.
const processes = `    1     0 ??
  500     1 ??
  501   500 ttys003
  502   501 ttys003
`;

for (const [title, script, found] of [
  ["a script's own child is in the terminal", 500, { device: "/dev/ttys003", inside: 501 }],
  ["a process without a terminal is not", 1, undefined],
  ["nor is anything of a script that is gone", 7, undefined],
] as const) {
  test(`of the processes that ps tells of, ${title}`, () =>
    assert.deepEqual(terminalInPs(processes, script), found));
}

test("for BSD's script, input comes by a pipe, ends with what there is, and leaves no file", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "tracegate-terminal-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const name of ["bin", "tmp"]) mkdirSync(join(directory, name));
  // Stands in for the one of macOS: refuses a socket as that one does, and makes no terminal.
  const script =
    '#!/bin/sh\n[ -p /dev/stdin ] && [ "$1 $2" = "-q /dev/null" ] || exit 9\nshift 2\nexec "$@"\n';
  writeFileSync(join(directory, "bin/script"), script, { mode: 0o755 });
  const [program = "", ...args] = inTerminal(
    ["sh", "-c", 'echo "$1"; cat; exit 3', "sh", "a word"],
    "darwin",
  );
  const child = spawn(program, args, {
    env: { PATH: `${directory}/bin:${process.env["PATH"]}`, TMPDIR: join(directory, "tmp") },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.stdin.end("typed\n");
  assert.equal(await text(child.stdout), "a word\ntyped\n");
  assert.equal(await ended, 3);
  assert.deepEqual(readdirSync(join(directory, "tmp")), []);
});

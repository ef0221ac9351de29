// Runs the tests: those beside the code and the short end-to-end stories; `--stories` runs the long stories instead.
// Other arguments are test files or globs to run in their place.
import { spawn } from "node:child_process";

const args = process.argv.slice(2);
const stories = args.includes("--stories");
const named = args.filter((arg) => !arg.startsWith("--"));
const quick = ["packages/**/*.test.ts", "images/**/*.test.ts", "apps/**/*.test.ts", "tests/e2e/**/*.test.ts"];
const globs = named.length > 0 ? named : stories ? ["tests/stories/**/*.test.ts"] : quick;

const child = spawn(
  process.execPath,
  [
    "--disable-warning=ExperimentalWarning",
    `--import=${new URL("../tests/support/property-seed.ts", import.meta.url)}`,
    "--test",
    "--test-concurrency=2",
    // A file that never ends is a failure, and says which. No file takes a third of it.
    `--test-timeout=${15 * 60_000}`,
    ...globs,
  ],
  { stdio: "inherit" },
);
child.on("exit", (code) => process.exit(code ?? 1));

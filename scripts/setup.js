// Installs the locked dependencies when they are missing or older than the lock file. Plain JavaScript for Node 20,
// run by `prestart` and `pretest`, so that `npm start` and `npm test` work from a clean clone.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lock = join(root, "package-lock.json");
const installed = join(root, "node_modules", ".package-lock.json");

if (!existsSync(installed) || statSync(lock).mtimeMs > statSync(installed).mtimeMs) {
  console.log("Installing dependencies (npm ci) …");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) {
    console.error(
      "tracegate: `npm ci` failed (its message is above). Check the network and the npm registry, then run the command again.",
    );
    process.exit(3);
  }
  console.log("Dependencies installed.");
}

import { spawnSync } from "node:child_process";

/**
 * Why a test that needs these tools is skipped, or false where they are all there. In CI a missing tool is a failure:
 * a skipped test would go unnoticed.
 */
export function missingTools(...tools: readonly string[]): string | false {
  const missing = tools.filter((tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0);
  if (missing.length === 0) return false;
  const text = `needs ${missing.join(" and ")} on the PATH`;
  if (process.env["CI"] === "true") throw new Error(text);
  console.error(`SKIPPED: ${text}`);
  return text;
}

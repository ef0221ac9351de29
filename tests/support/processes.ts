import { readdirSync, readFileSync } from "node:fs";

/** The command lines of live processes that name `text`, such as a state directory: what a run has left behind. */
export function leftBehind(text: string): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(text));
}

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** When a process started, in the system's own words; undefined for one that is gone, or killed and not waited for yet. */
export function processStart(pid: number, system = process.platform): string | undefined {
  try {
    if (system === "linux") return startInStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    const { stdout } = spawnSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { PATH: "/bin:/usr/bin", LC_ALL: "C", TZ: "UTC" },
    });
    return startInPs(stdout);
  } catch {
    return undefined;
  }
}

/** Clock ticks since boot: field 22 of a /proc/PID/stat, counted after the command's name. */
export function startInStat(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : fields[19];
}

/** `Ss   Sat Nov 21 14:58:03 2026`: its state, then its start. */
export function startInPs(line: string): string | undefined {
  const [, state = "Z", start] = /^\s*(\S+)\s+(\S.*\S)\s*$/.exec(line) ?? [];
  return state.startsWith("Z") ? undefined : start?.replaceAll(/\s+/g, " ");
}

// How long a newcomer waits: the API, the first HotROD with traffic, the whole main job; and what the platform weighs.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryState, tracegate } from "../tests/support/tracegate.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

export async function run(): Promise<void> {
  console.log(`main job from ${root}, timing default, one run a row`);
  for (let round = 1; round <= 3; round++) {
    const state = temporaryState();
    try {
      const job = await mainJob(state.path);
      const platformMb = await emptyPlatformMb(join(state.path, "empty"));
      row("API ready", job.apiMs / 1000, 1.5, "s");
      row("HotROD 1.75.0 healthy, receiving traffic", job.trafficMs / 1000, 10, "s");
      row("main job", job.wholeMs / 1000, 60, "s");
      row("platform without pods, resident", platformMb, 250, "MB");
    } finally {
      state.remove();
    }
  }
}

async function mainJob(state: string) {
  const started = performance.now();
  const job = tracegate("demo", "--exit", "--ports", "free", "--state", join(state, "job"));
  await job.seen(/Kubernetes API/);
  const apiMs = performance.now() - started;
  await job.seen(/serves the traffic/);
  const trafficMs = performance.now() - started;
  const { code } = await job.ended;
  if (code !== 0) throw new Error(`the main job ended with ${code}:\n${job.output()}`);
  return { apiMs, trafficMs, wholeMs: performance.now() - started };
}

/** Resident memory of the control plane and its node agent once they serve. */
async function emptyPlatformMb(state: string): Promise<number> {
  const platform = tracegate("up", "--ports", "free", "--state", state);
  await platform.seen(/Serving until Ctrl-C/);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const pid = platform.process.pid ?? 0;
  const total = [pid, ...descendants(pid), ...agentsOf(state)].reduce(
    (sum, each) => sum + residentMb(each),
    0,
  );
  platform.process.kill("SIGINT");
  await platform.ended;
  return total;
}

const processes = () =>
  readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);

function descendants(pid: number): number[] {
  const children = processes().filter((each) => statOf(each)?.parent === pid);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** The agent is detached from the control plane; it names its state directory on its command line. */
function agentsOf(state: string): number[] {
  return processes()
    .filter((pid) => {
      if (statOf(pid)?.parent !== 1) return false;
      return readOr(`/proc/${pid}/cmdline`).includes(state);
    })
    .flatMap((pid) => [pid, ...descendants(pid)]);
}

function statOf(pid: number): { parent: number } | undefined {
  const stat = readOr(`/proc/${pid}/stat`);
  if (stat === "") return undefined;
  return { parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) };
}

const residentMb = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function row(what: string, value: number, target: number, unit: string): void {
  console.log(
    `${what.padEnd(44)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(3)} target < ${target} ${unit}`,
  );
}

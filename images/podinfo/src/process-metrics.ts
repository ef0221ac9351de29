import { readdir, readFile } from "node:fs/promises";
import type { Family } from "./exposition.ts";

/** The `process_*` families that Prometheus' clients have of a Linux process; elsewhere those that Node itself knows. */
export async function processMetrics(): Promise<Family[]> {
  const [fds, limits, stat, netstat] = await Promise.all([
    readdir("/proc/self/fd").catch(() => undefined),
    text("/proc/self/limits"),
    text("/proc/self/stat"),
    text("/proc/self/net/netstat"),
  ]);
  const { user, system } = process.cpuUsage();
  const octets = netstat === undefined ? new Map<string, number>() : counters(netstat, "IpExt");
  // After the command's name in brackets come state, parents and so on: the virtual size is the 21st.
  const virtualBytes = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[20];
  return [
    counter("cpu_seconds_total", "User and system time spent, in seconds.", (user + system) / 1e6),
    gauge("open_fds", "Open file descriptors.", fds?.length),
    gauge("max_fds", "How many file descriptors may be open.", limit(limits, "Max open files")),
    gauge("resident_memory_bytes", "Memory resident, in bytes.", process.memoryUsage.rss()),
    gauge("virtual_memory_bytes", "Memory mapped, in bytes.", virtualBytes && Number(virtualBytes)),
    gauge(
      "virtual_memory_max_bytes",
      "How much memory may be mapped, in bytes.",
      limit(limits, "Max address space"),
    ),
    gauge(
      "start_time_seconds",
      "When the process began, in seconds of Unix time.",
      performance.timeOrigin / 1000,
    ),
    counter("network_receive_bytes_total", "Bytes received in this network.", octets.get("InOctets")),
    counter("network_transmit_bytes_total", "Bytes sent in this network.", octets.get("OutOctets")),
  ];
}

function family(type: "counter" | "gauge") {
  return (name: string, help: string, value: number | "" | undefined): Family => ({
    name: `process_${name}`,
    help,
    type,
    samples: typeof value === "number" ? [{ value }] : [],
  });
}
const counter = family("counter");
const gauge = family("gauge");

async function text(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

/** The soft limit of a line of /proc/self/limits; none is written as 2^64 - 1. */
function limit(limits: string | undefined, name: string): number | undefined {
  const line = limits?.split("\n").find((text) => text.startsWith(name));
  const soft = line?.slice(name.length).trim().split(/\s+/)[0];
  return soft === undefined ? undefined : soft === "unlimited" ? 2 ** 64 : Number(soft);
}

/** A table of /proc/net/netstat: a line of names, then a line of values, both after the table's name. */
function counters(netstat: string, table: string): Map<string, number> {
  const [names, values] = netstat
    .split("\n")
    .filter((line) => line.startsWith(`${table}:`))
    .map((line) => line.split(" ").slice(1));
  return new Map(names?.map((name, i) => [name, Number(values?.[i])]));
}

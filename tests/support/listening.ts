import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A TCP socket that a process listens on. */
export interface Listener {
  /** `127.0.0.1`, as the process was given it; IPv6 in the kernel's hexadecimal form. */
  readonly address: string;
  readonly port: number;
  readonly pid: number;
}

/** What processes listen on in this machine's own network: what pods have to themselves is not there. */
export function listeners(isOne: (commandLine: string, pid: number) => boolean): Listener[] {
  const here = readlinkSync("/proc/self/ns/net");
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const commandLine = readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ");
        if (!isOne(commandLine, Number(entry)) || readlinkSync(`/proc/${entry}/ns/net`) !== here) return [];
        return listenersOf(Number(entry));
      } catch {
        return []; // it ended meanwhile
      }
    });
}

/** Paths of the Unix sockets that a process listens on. */
export function unixSocketsOf(pid: number): string[] {
  const inodes = socketsOf(pid);
  return readFileSync(`/proc/${pid}/net/unix`, "utf8")
    .split("\n")
    .map((line) => line.split(/\s+/))
    .filter((fields) => inodes.has(fields[6] ?? "") && fields[3] === acceptsConnections)
    .flatMap((fields) => fields[7] ?? []);
}

/** The flag of a listening Unix socket. */
const acceptsConnections = "00010000";

function socketsOf(pid: number): ReadonlySet<string> {
  return new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );
}

function listenersOf(pid: number): Listener[] {
  const inodes = socketsOf(pid);
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === listening && inodes.has(fields[9] ?? ""))
      .map((fields) => {
        const [address = "", port = ""] = (fields[1] ?? "").split(":");
        return { address: dotted(address), port: Number.parseInt(port, 16), pid };
      }),
  );
}

/** The state LISTEN. */
const listening = "0A";

/** IPv4 addresses stand in the order of the machine's bytes. */
function dotted(address: string): string {
  if (address.length !== 8) return address;
  return (address.match(/../g) ?? [])
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join(".");
}

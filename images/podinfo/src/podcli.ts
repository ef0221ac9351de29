// podinfo's client, of which probes use the checks: `podcli check http ADDRESS`, `podcli check tcp ADDRESS`.
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { durationMs, mistakeIn } from "./flags.ts";
import { jsonLog } from "./log.ts";

const log = jsonLog({
  level: "info",
  now: () => new Date(),
  write: (line) => process.stderr.write(line),
});

type Said = Readonly<Record<string, unknown>>;

/** Each makes one attempt; rejects with why it has failed. */
const checks: Readonly<Record<string, (address: string, options: Options) => Promise<Said>>> = {
  async http(address, { method, body, timeoutMs }) {
    const url = /^https?:\/\//.test(address) ? address : `http://${address}`;
    const response = await fetch(url, {
      method,
      redirect: "follow",
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === "" ? {} : { body }),
    });
    const said = { "status code": response.status };
    await response.body?.cancel();
    if (response.status < 200 || response.status >= 400) throw new CheckFailed(said);
    return said;
  },
  tcp: (address, { timeoutMs }) =>
    new Promise((resolve, reject) => {
      const [host = "", port = ""] = address.split(/:(?=\d+$)/);
      const socket = connect({ host, port: Number(port), timeout: timeoutMs });
      socket.once("timeout", () => socket.destroy(new Error("i/o timeout")));
      socket.once("error", reject).once("connect", () => {
        socket.destroy();
        resolve({});
      });
    }),
};

class CheckFailed extends Error {
  readonly said: Said;
  constructor(said: Said) {
    super("check failed");
    this.said = said;
  }
}

interface Options {
  readonly method: string;
  readonly body: string;
  readonly retries: number;
  readonly delayMs: number;
  readonly timeoutMs: number;
}

process.exitCode = await run(process.argv.slice(2));

async function run(args: string[]): Promise<number> {
  if (args[0] === "version") {
    console.log(process.env["TRACEGATE_TAG"] ?? "6.9.3");
    return 0;
  }
  const given = commandLine(args);
  if (typeof given === "string") {
    process.stderr.write(`Error: ${given}\n`);
    return 1;
  }
  const { check, address, options } = given;
  for (let attempt = 0; attempt <= options.retries; attempt += 1) {
    if (attempt > 0) await sleep(options.delayMs);
    try {
      log("info", "podcli/check", "check succeed", { address, ...(await check(address, options)) });
      return 0;
    } catch (error) {
      log("info", "podcli/check", "check failed", { address, ...saidOf(error) });
    }
  }
  return 1;
}

function saidOf(error: unknown): Said {
  if (error instanceof CheckFailed) return error.said;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return { error: cause instanceof Error ? cause.message : String(cause) };
}

/** What is asked for, or what is wrong with it. */
function commandLine(
  args: string[],
): { check: (typeof checks)[string]; address: string; options: Options } | string {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { values, positionals } = parsed;
  const [command, kind = "", address] = positionals;
  const check = command === "check" && Object.hasOwn(checks, kind) ? checks[kind] : undefined;
  if (check === undefined)
    return `"${positionals.join(" ")}" is not to be had here; podcli has: check http, check tcp, version`;
  if (address === undefined) return `address is required! example: check ${kind} localhost:9898`;
  for (const name of ["delay", "timeout"] as const) {
    const mistake = mistakeIn("duration", values[name]);
    if (mistake !== undefined) return `invalid argument "${values[name]}" for "--${name}" flag: ${mistake}`;
  }
  if (!/^\d+$/.test(values.retry)) return `invalid argument "${values.retry}" for "--retry" flag`;
  return {
    check,
    address,
    options: {
      method: values.method,
      body: values.body,
      retries: Number(values.retry),
      delayMs: durationMs(values.delay),
      timeoutMs: durationMs(values.timeout),
    },
  };
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      method: { type: "string", default: "GET" },
      body: { type: "string", default: "" },
      retry: { type: "string", default: "0" },
      delay: { type: "string", default: "1s" },
      timeout: { type: "string", default: "5s" },
    },
  });
}

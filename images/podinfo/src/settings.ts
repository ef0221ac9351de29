/** What podinfo's command line and environment say, with the flags and defaults of podinfo 6. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  /** 0: no second server for metrics. */
  readonly metricsPort: number;
  readonly level: string;
  readonly hostname: string;
  readonly backendUrls: readonly string[];
  readonly clientTimeoutMs: number;
  readonly serverTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  /** A folder whose files `/configs` shows; empty: none. */
  readonly configPath: string;
  readonly ui: { readonly color: string; readonly message: string; readonly logo: string };
  /** Waits before answers, drawn evenly from [minMs, maxMs); undefined: none. */
  readonly randomDelay: { readonly minMs: number; readonly maxMs: number } | undefined;
  readonly randomError: boolean;
  readonly unhealthy: boolean;
  readonly unready: boolean;
}

const defaults = {
  host: "",
  port: "9898",
  "port-metrics": "0",
  level: "info",
  hostname: "",
  "backend-url": "",
  "http-client-timeout": "2m",
  "http-server-timeout": "30s",
  "server-shutdown-timeout": "5s",
  "config-path": "",
  "ui-color": "#34577c",
  "ui-message": "",
  "ui-logo": "https://raw.githubusercontent.com/stefanprodan/podinfo/gh-pages/cuddle_clap.gif",
  "random-delay-unit": "s",
  "random-delay-min": "0",
  "random-delay-max": "5",
  "random-delay": "false",
  "random-error": "false",
  unhealthy: "false",
  unready: "false",
};
type Flag = keyof typeof defaults;
const switches: readonly string[] = ["random-delay", "random-error", "unhealthy", "unready"];

/** Flags of podinfo that this image has no part for, by the value that asks for nothing. */
const unimplemented: Readonly<Record<string, string>> = {
  "grpc-port": "0",
  "secure-port": "0",
  "cache-server": "",
  "otel-service-name": "",
  "stress-cpu": "0",
  "stress-memory": "0",
  h2c: "false",
};

/**
 * Reads the flags, and for those not given the environment: `--ui-color` is `PODINFO_UI_COLOR`.
 * @throws Error with one line for the user.
 */
export function parseSettings(argv: readonly string[], env: NodeJS.ProcessEnv, version: string): Settings {
  const given = parseFlags(argv);
  for (const [name, nothing] of Object.entries(unimplemented)) {
    const asked = given.get(name) ?? env[variable(name)] ?? nothing;
    if (asked !== nothing) throw new Error(`--${name} is not implemented by the bundled podinfo`);
  }
  const text = (name: Flag) => given.get(name) ?? env[variable(name)] ?? defaults[name];
  const count = (name: Flag) => wholeNumber(name, text(name));
  // A Service named podinfo makes the kubelet set PODINFO_PORT=tcp://…; podinfo then keeps to its flag.
  const linked = given.get("port") === undefined && !/^\d+$/.test(env["PODINFO_PORT"] ?? "");
  const unitMs = text("random-delay-unit") === "ms" ? 1 : 1000;
  const delay = { minMs: count("random-delay-min") * unitMs, maxMs: count("random-delay-max") * unitMs };
  if (delay.maxMs < delay.minMs) throw new Error("--random-delay-max is less than --random-delay-min");
  return {
    host: text("host"),
    port: linked ? Number(defaults.port) : count("port"),
    metricsPort: count("port-metrics"),
    level: text("level"),
    hostname: text("hostname") || (env["HOSTNAME"] ?? ""),
    backendUrls: text("backend-url").split(/[, ]/).filter(Boolean),
    clientTimeoutMs: duration("http-client-timeout", text("http-client-timeout")),
    serverTimeoutMs: duration("http-server-timeout", text("http-server-timeout")),
    shutdownTimeoutMs: duration("server-shutdown-timeout", text("server-shutdown-timeout")),
    configPath: text("config-path"),
    ui: {
      color: text("ui-color"),
      message: text("ui-message") || `greetings from podinfo v${version}`,
      logo: text("ui-logo"),
    },
    randomDelay: truth("random-delay", text("random-delay")) ? delay : undefined,
    randomError: truth("random-error", text("random-error")),
    unhealthy: truth("unhealthy", text("unhealthy")),
    unready: truth("unready", text("unready")),
  };
}

/** `--name=value`, `--name value`, and `--name` alone for a switch; a repeated flag adds to a list by a comma. */
function parseFlags(argv: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? "";
    const match = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(argument);
    const name = match?.[1];
    if (name === undefined) throw new Error(`unknown argument: ${argument}`);
    if (!Object.hasOwn(defaults, name) && !Object.hasOwn(unimplemented, name))
      throw new Error(`unknown flag: --${name}`);
    const alone = switches.includes(name) || name === "h2c";
    const value = match?.[2] ?? (alone ? "true" : argv[++i]);
    if (value === undefined) throw new Error(`flag needs an argument: --${name}`);
    const before = given.get(name);
    given.set(name, name === "backend-url" && before !== undefined ? `${before},${value}` : value);
  }
  return given;
}

function variable(flag: string): string {
  return `PODINFO_${flag.replaceAll("-", "_").toUpperCase()}`;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name}: expected a whole number, got "${text}"`);
  return Number(text);
}

function truth(name: string, text: string): boolean {
  if (/^(true|t|1)$/i.test(text)) return true;
  if (/^(false|f|0)$/i.test(text)) return false;
  throw new Error(`--${name}: expected true or false, got "${text}"`);
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function duration(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unit = unitsMs[match?.[2] ?? ""];
  if (!match || unit === undefined)
    throw new Error(`--${name}: expected a duration such as 30s, got "${text}"`);
  return Number(match[1]) * unit;
}

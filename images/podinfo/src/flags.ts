/** podinfo's command line, read as pflag reads it: kinds of values, defaults, usage, and what is said of mistakes. */

type Kind = "string" | "int" | "bool" | "duration" | "strings";

interface Flag {
  readonly kind: Kind;
  /** As Go writes it; what asks for nothing (0, false, "") is not shown in the usage. */
  readonly standard: string;
  readonly usage: string;
}

export const flags = {
  "backend-url": {
    kind: "strings",
    standard: "",
    usage: "services that echo asks; repeated, or with commas",
  },
  "cache-server": { kind: "string", standard: "", usage: "Redis as tcp://HOST:PORT (not implemented)" },
  "cert-path": {
    kind: "string",
    standard: "/data/cert",
    usage: "folder of the certificate for --secure-port",
  },
  config: { kind: "string", standard: "config.yaml", usage: "file in --config-path that holds settings" },
  "config-path": { kind: "string", standard: "", usage: "folder whose files /configs shows" },
  "data-path": { kind: "string", standard: "/data", usage: "folder that /store keeps bodies in" },
  "grpc-port": { kind: "int", standard: "0", usage: "port of gRPC's health service" },
  "grpc-service-name": { kind: "string", standard: "podinfo", usage: "the service whose health gRPC tells" },
  h2c: { kind: "bool", standard: "false", usage: "HTTP/2 without TLS (not implemented)" },
  host: { kind: "string", standard: "", usage: "address to listen on" },
  "http-client-timeout": { kind: "duration", standard: "2m0s", usage: "how long a backend may take" },
  "http-server-timeout": {
    kind: "duration",
    standard: "30s",
    usage: "how long a request and its answer may take",
  },
  level: {
    kind: "string",
    standard: "info",
    usage: "least level logged: debug, info, warn, error, fatal or panic",
  },
  "otel-service-name": { kind: "string", standard: "", usage: "service name of traces (not implemented)" },
  port: { kind: "int", standard: "9898", usage: "port of HTTP; 0: none" },
  "port-metrics": { kind: "int", standard: "0", usage: "second port for /metrics and /healthz; 0: none" },
  "random-delay": { kind: "bool", standard: "false", usage: "wait before each answer" },
  "random-delay-max": { kind: "int", standard: "5", usage: "the wait is less than this" },
  "random-delay-min": { kind: "int", standard: "0", usage: "the wait is at least this" },
  "random-delay-unit": { kind: "string", standard: "s", usage: "unit of the wait: s or ms" },
  "random-error": { kind: "bool", standard: "false", usage: "fail one request of three" },
  "secure-port": { kind: "int", standard: "0", usage: "port of HTTPS (not implemented)" },
  "server-shutdown-timeout": {
    kind: "duration",
    standard: "5s",
    usage: "how long requests may end after SIGTERM",
  },
  "stress-cpu": { kind: "int", standard: "0", usage: "cores to keep busy (not implemented)" },
  "stress-memory": { kind: "int", standard: "0", usage: "megabytes to hold (not implemented)" },
  "ui-color": { kind: "string", standard: "#34577c", usage: "background of the page" },
  "ui-logo": { kind: "string", standard: "", usage: "address of the page's picture" },
  "ui-message": {
    kind: "string",
    standard: "greetings from podinfo vVERSION",
    usage: "headline of the page",
  },
  "ui-path": { kind: "string", standard: "./ui", usage: "folder of the page (not implemented)" },
  unhealthy: { kind: "bool", standard: "false", usage: "fail /healthz" },
  unready: { kind: "bool", standard: "false", usage: "fail /readyz" },
  version: { kind: "bool", standard: "false", usage: "print the version" },
} as const satisfies Readonly<Record<string, Flag>>;
export type FlagName = keyof typeof flags;

const shorthands: Readonly<Record<string, FlagName>> = { v: "version" };

/** A command line that podinfo does not take; it ends with the usage and code 2. */
export class UsageError extends Error {}

/** What was given, checked; "help" where help was asked for. Arguments that are no flags are passed over, as podinfo does. */
export function parseFlags(argv: readonly string[]): ReadonlyMap<FlagName, string> | "help" {
  const given = new Map<FlagName, string>();
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? "";
    if (argument === "--") break;
    if (argument.startsWith("--")) {
      const [, text = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
      if (text === "" || text.startsWith("-")) throw new UsageError(`bad flag syntax: ${argument}`);
      if (text === "help") return "help";
      if (!isFlag(text)) throw new UsageError(`unknown flag: --${text}`);
      const read = value ?? (flags[text].kind === "bool" ? "true" : argv[++i]);
      if (read === undefined) throw new UsageError(`flag needs an argument: --${text}`);
      give(text, read);
    } else if (argument.length > 1 && argument.startsWith("-")) {
      for (const [at, letter] of [...argument.slice(1)].entries()) {
        const name = shorthands[letter];
        if (name) give(name, "true");
        else if (letter === "h") return "help";
        else throw new UsageError(`unknown shorthand flag: '${letter}' in -${argument.slice(1 + at)}`);
      }
    }
  }
  return given;

  function give(name: FlagName, value: string): void {
    const mistake = mistakeIn(flags[name].kind, value);
    const shown = `${shorthandOf(name)}--${name}`;
    if (mistake !== undefined)
      throw new UsageError(`invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${mistake}`);
    const before = given.get(name);
    given.set(name, flags[name].kind === "strings" && before !== undefined ? `${before},${value}` : value);
  }
}

/** What Go says of a value that is not of its kind; undefined: nothing. */
export function mistakeIn(kind: Kind, value: string): string | undefined {
  if (kind === "int") return intMistake(value);
  if (kind === "bool" && truth(value) === undefined)
    return `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
  if (kind === "duration") return durationMistake(value);
  if (kind === "strings" && value.includes('"')) return "quoted values are not read by the bundled podinfo";
  return undefined;
}

/** The flags in columns, each with the default that it has where it has one. */
export function flagUsages(version: string): string {
  const lines = Object.entries(flags).map(([name, { kind, standard, usage }]) => {
    const left = `  ${shorthandOf(name).padStart(4)}--${name}${kind === "bool" ? "" : ` ${kind}`}`;
    const shown = standard.replace("VERSION", version);
    const unset = ["", "0", "false"].includes(shown);
    const quoted = kind === "string" ? JSON.stringify(shown) : shown;
    return [left, unset ? usage : `${usage} (default ${quoted})`] as const;
  });
  const width = Math.max(...lines.map(([left]) => left.length));
  return lines.map(([left, right]) => `${left.padEnd(width)}   ${right}\n`).join("");
}

/** `-v, ` for `version`; empty where there is no short form. */
function shorthandOf(name: string): string {
  const letter = Object.keys(shorthands).find((short) => shorthands[short] === name);
  return letter === undefined ? "" : `-${letter}, `;
}

export function truth(text: string): boolean | undefined {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  return ["0", "f", "F", "FALSE", "false", "False"].includes(text) ? false : undefined;
}

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration of Go, such as `1m30s`, that {@link mistakeIn} has let pass. */
export function durationMs(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  let sum = 0;
  for (const [, count, unit = ""] of text.matchAll(/([\d.]+)([a-zµ]+)/g))
    sum += Number(count) * (unitsMs[unit] ?? 0);
  return sign * sum;
}

function intMistake(value: string): string | undefined {
  const said = `strconv.ParseInt: parsing ${JSON.stringify(value)}: `;
  if (!/^[+-]?(0x[\da-f]+|0b[01]+|0o?[0-7]+|[1-9]\d*|0)$/i.test(value)) return `${said}invalid syntax`;
  return Number.isSafeInteger(Number(value)) ? undefined : `${said}value out of range`;
}

function durationMistake(value: string): string | undefined {
  const shown = JSON.stringify(value);
  const number = /^(\d+\.?\d*|\.\d+)/;
  let rest = value.replace(/^[+-]/, "");
  if (rest === "0") return undefined;
  if (rest === "") return `time: invalid duration ${shown}`;
  while (rest !== "") {
    const count = number.exec(rest)?.[0];
    if (count === undefined) return `time: invalid duration ${shown}`;
    const unit = /^[^\d.]*/.exec(rest.slice(count.length))?.[0] ?? "";
    if (unit === "") return `time: missing unit in duration ${shown}`;
    if (!Object.hasOwn(unitsMs, unit))
      return `time: unknown unit ${JSON.stringify(unit)} in duration ${shown}`;
    rest = rest.slice(count.length + unit.length);
  }
  return undefined;
}

function isFlag(name: string): name is FlagName {
  return Object.hasOwn(flags, name);
}

import { parseArgs } from "node:util";

export type Service = "frontend" | "customer" | "driver" | "route";

/** What HotROD's command line says, with the flags and defaults of jaegertracing/example-hotrod 1.76. */
export interface Settings {
  readonly services: readonly Service[];
  readonly ports: Readonly<Record<Service, number>>;
  readonly hosts: Readonly<Record<Service, string>>;
  /** Mean time of a SQL statement. */
  readonly dbQueryDelayMs: number;
  /** Statements do not wait for the one database connection. */
  readonly dbConnectionMutexDisabled: boolean;
  /** Route calls that a dispatch makes at a time. */
  readonly routeWorkers: number;
  readonly basePath: string;
  readonly jaegerUi: string;
  /** The share of customer look-ups that fail, 0 to 1: what a faulty release does on purpose. */
  readonly failingLookups: number;
}

export const usage = `HotROD: a demo of distributed tracing, four services of a ride-hailing company.

Usage: hotrod COMMAND [flags]

Commands: all, frontend, customer, driver, route

Flags:
  -D, --fix-db-query-delay duration       mean time of a SQL statement (300ms)
  -M, --fix-disable-db-conn-mutex         no lock around the one database connection
  -W, --fix-route-worker-pool-size int    route calls at a time (3)
  -f, --frontend-service-port int         (8080)
  -c, --customer-service-port int         (8081)
  -d, --driver-service-port int           (8082)
  -r, --route-service-port int            (8083)
      --{frontend,customer,driver,route}-service-hostname string   (0.0.0.0)
  -b, --basepath string                   prefix of the page and its calls
  -j, --jaeger-ui string                  link to the traces (http://localhost:16686)

Example: hotrod all --fix-db-query-delay=100ms`;

/**
 * Reads the command line. The release variants of the bundled image come in by the image's tag: `1.76.0-faulty` fails
 * every look-up of a customer, `1.76.0-slow` takes five times as long for it.
 * @throws Error with one line for the user.
 */
export function parseSettings(argv: readonly string[], tag: string): Settings {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      "fix-db-query-delay": { type: "string", short: "D" },
      "fix-disable-db-conn-mutex": { type: "boolean", short: "M" },
      "fix-route-worker-pool-size": { type: "string", short: "W" },
      "frontend-service-port": { type: "string", short: "f", default: "8080" },
      "customer-service-port": { type: "string", short: "c", default: "8081" },
      "driver-service-port": { type: "string", short: "d", default: "8082" },
      "route-service-port": { type: "string", short: "r", default: "8083" },
      "frontend-service-hostname": { type: "string", default: "0.0.0.0" },
      "customer-service-hostname": { type: "string", default: "0.0.0.0" },
      "driver-service-hostname": { type: "string", default: "0.0.0.0" },
      "route-service-hostname": { type: "string", default: "0.0.0.0" },
      basepath: { type: "string", short: "b", default: "" },
      "jaeger-ui": { type: "string", short: "j", default: "http://localhost:16686" },
      "otel-exporter": { type: "string", short: "x", default: "otlp" },
      verbose: { type: "boolean", short: "v" },
    },
  });
  if (values["otel-exporter"] !== "otlp") {
    throw new Error(`--otel-exporter ${values["otel-exporter"]}: this HotROD exports by otlp only`);
  }
  const slow = tag.endsWith("-slow");
  return {
    services: servicesOf(positionals[0]),
    ports: {
      frontend: portOf(values["frontend-service-port"]),
      customer: portOf(values["customer-service-port"]),
      driver: portOf(values["driver-service-port"]),
      route: portOf(values["route-service-port"]),
    },
    hosts: {
      frontend: values["frontend-service-hostname"],
      customer: values["customer-service-hostname"],
      driver: values["driver-service-hostname"],
      route: values["route-service-hostname"],
    },
    dbQueryDelayMs: durationMs(values["fix-db-query-delay"] ?? (slow ? "1500ms" : "300ms")),
    dbConnectionMutexDisabled: values["fix-disable-db-conn-mutex"] ?? false,
    routeWorkers: positiveInteger(values["fix-route-worker-pool-size"] ?? "3"),
    basePath: values.basepath.replace(/\/$/, ""),
    jaegerUi: values["jaeger-ui"],
    failingLookups: tag.endsWith("-faulty") ? 1 : 0,
  };
}

function servicesOf(command: string | undefined): readonly Service[] {
  switch (command) {
    case "all":
      return ["customer", "driver", "route", "frontend"];
    case "frontend":
    case "customer":
    case "driver":
    case "route":
      return [command];
    default:
      throw new Error(`unknown command ${JSON.stringify(command ?? "")} for "hotrod"\n\n${usage}`);
  }
}

/** A Go duration of one unit: 300ms, 1.5s, 2m. */
function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (match === null)
    throw new Error(`invalid duration ${JSON.stringify(text)} (expected e.g. 300ms or 1.5s)`);
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000 }[match[2] as "ms" | "s" | "m"]; // the pattern allows these three
}

function portOf(text: string): number {
  const port = positiveInteger(text);
  if (port > 65_535) throw new Error(`invalid port ${text}`);
  return port;
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d*$/.test(text))
    throw new Error(`invalid number ${JSON.stringify(text)} (expected a positive integer)`);
  return Number(text);
}

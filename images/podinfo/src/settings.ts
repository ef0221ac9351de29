import { durationMs, type FlagName, flags, mistakeIn, truth } from "./flags.ts";
import { isLevel, type Level } from "./log.ts";

/** What podinfo's command line, environment and file of settings say, with the defaults of podinfo 6. */
export interface Settings {
  readonly host: string;
  /** 0: no server. */
  readonly port: number;
  /** 0: no second server for metrics. */
  readonly metricsPort: number;
  /** 0: no gRPC. */
  readonly grpcPort: number;
  readonly grpcServiceName: string;
  readonly level: Level;
  readonly backendUrls: readonly string[];
  readonly clientTimeoutMs: number;
  /** An answer that takes longer is not sent; 0: any time. */
  readonly serverTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  /** A folder whose files `/configs` shows; empty: none. */
  readonly configPath: string;
  /** Where `/store` keeps what it is given. */
  readonly dataPath: string;
  readonly jwtSecret: string;
  readonly ui: { readonly color: string; readonly message: string; readonly logo: string };
  /** Waits of whole units before answers, from `min` on and less than `max`; undefined: none. */
  readonly randomDelay: { readonly min: number; readonly max: number; readonly unitMs: number } | undefined;
  readonly randomError: boolean;
  readonly unhealthy: boolean;
  readonly unready: boolean;
}

/** Where settings come from; an earlier one wins. */
export interface Sources {
  readonly flags: ReadonlyMap<FlagName, string>;
  /** `--ui-color` is `PODINFO_UI_COLOR`; empty ones count as not set. */
  readonly env: NodeJS.ProcessEnv;
  /** The settings of `--config`, by flag's name. */
  readonly file: ReadonlyMap<string, string>;
}

/** Flags that this image has no part for, by the value that asks for nothing. */
const unimplemented = {
  "secure-port": "0",
  "cache-server": "",
  "otel-service-name": "",
  "stress-cpu": "0",
  "stress-memory": "0",
  "ui-path": flags["ui-path"].standard,
  h2c: "false",
} as const satisfies Partial<Record<FlagName, string>>;

/** What podinfo signs tokens with unless told otherwise. Public: a token of it proves nothing. */
const publicSecret = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const logo = "https://raw.githubusercontent.com/stefanprodan/podinfo/gh-pages/cuddle_clap.gif";

/** @throws Error with one line for the user. */
export function readSettings(sources: Sources, version: string): Settings {
  const text = (name: FlagName): string => {
    const value = asked(sources, name) ?? flags[name].standard;
    const mistake = mistakeIn(flags[name].kind, value);
    if (mistake !== undefined) throw new Error(`${name}: ${mistake}`);
    return value;
  };
  for (const [name, nothing] of Object.entries(unimplemented)) {
    // A Service named podinfo-secure makes the kubelet set PODINFO_SECURE_PORT=tcp://…, which asks for nothing.
    const value = asked(sources, name) ?? nothing;
    const linked = name === "secure-port" && !sources.flags.has(name) && !/^\d+$/.test(value);
    if (value !== nothing && !linked) throw new Error(`--${name} is not implemented by the bundled podinfo`);
  }
  const count = (name: FlagName) => Number(text(name));
  const unit = text("random-delay-unit");
  if (unit !== "s" && unit !== "ms") throw new Error("`random-delay-unit` accepted values are: s|ms");
  const [min, max] = [count("random-delay-min"), count("random-delay-max")];
  if (max < min) throw new Error("`--random-delay-max` should be greater than `--random-delay-min`");
  const level = text("level");
  return {
    host: text("host"),
    port: Number(port(sources)),
    metricsPort: count("port-metrics"),
    grpcPort: count("grpc-port"),
    grpcServiceName: text("grpc-service-name"),
    level: isLevel(level) ? level : "info",
    backendUrls: text("backend-url").split(",").filter(Boolean),
    clientTimeoutMs: durationMs(text("http-client-timeout")),
    serverTimeoutMs: durationMs(text("http-server-timeout")),
    shutdownTimeoutMs: durationMs(text("server-shutdown-timeout")),
    configPath: text("config-path"),
    dataPath: text("data-path"),
    jwtSecret: asked(sources, "jwt-secret") ?? publicSecret,
    ui: {
      color: text("ui-color"),
      message: asked(sources, "ui-message") ?? `greetings from podinfo v${version}`,
      logo: asked(sources, "ui-logo") ?? logo,
    },
    randomDelay: truth(text("random-delay")) ? { min, max, unitMs: unit === "ms" ? 1 : 1000 } : undefined,
    randomError: truth(text("random-error")) ?? false,
    unhealthy: truth(text("unhealthy")) ?? false,
    unready: truth(text("unready")) ?? false,
  };
}

/** Where the file of settings lies, if any does. */
export function configFile(sources: Omit<Sources, "file">): {
  readonly folder: string;
  readonly name: string;
} {
  const text = (name: FlagName) => asked({ ...sources, file: new Map() }, name) ?? flags[name].standard;
  return { folder: text("config-path"), name: text("config") };
}

/** A flag given, else a variable that is not empty, else the file. */
function asked({ flags: given, env, file }: Sources, name: string): string | undefined {
  // The secret has a variable and a place in the file, but no flag.
  const flag = [...given].find(([key]) => key === name)?.[1];
  return flag ?? (env[`PODINFO_${name.replaceAll("-", "_").toUpperCase()}`] || undefined) ?? file.get(name);
}

/** A Service named podinfo makes the kubelet set PODINFO_PORT=tcp://…; podinfo then keeps to its flag. */
function port(sources: Sources): string {
  const value = asked(sources, "port") ?? flags.port.standard;
  return /^[+-]?\d+$/.test(value) ? value : (sources.flags.get("port") ?? flags.port.standard);
}

import type { Clock } from "@tracegate/contracts";

export type Level = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

/** The Collector's own log: one line an event, fields as JSON. */
export interface Logger {
  log(level: Level, caller: string, message: string, fields?: LogFields): void;
  /** The same log with fields added to every line. */
  with(fields: LogFields): Logger;
}

export interface LogOptions {
  readonly clock: Clock;
  readonly write: (line: string) => void;
  readonly level: Level;
  readonly encoding: "console" | "json";
  readonly withCaller: boolean;
  readonly fields: LogFields;
}

const ORDER: readonly Level[] = ["debug", "info", "warn", "error"];

/** Lines as zap's console (tab-separated) or JSON encoder writes them. */
export function createLogger(options: LogOptions): Logger {
  const threshold = ORDER.indexOf(options.level);
  return {
    with: (fields) => createLogger({ ...options, fields: { ...options.fields, ...fields } }),
    log(level, caller, message, fields = {}) {
      if (ORDER.indexOf(level) < threshold) return;
      const at = new Date(options.clock.now()).toISOString();
      const all = { ...options.fields, ...fields };
      if (options.encoding === "json") {
        options.write(
          `${JSON.stringify({ level, ts: at, ...(options.withCaller ? { caller } : {}), msg: message, ...all })}\n`,
        );
        return;
      }
      const tail = Object.keys(all).length === 0 ? "" : `\t${spacedJson(all)}`;
      const from = options.withCaller ? `${caller}\t` : "";
      options.write(`${at}\t${level}\t${from}${message}${tail}\n`);
    },
  };
}

/** JSON with a blank after each colon and comma, which is how zap's console encoder prints fields. */
function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const parts = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}: ${spacedJson(v)}`);
    return `{${parts.join(", ")}}`;
  }
  return JSON.stringify(value) ?? "null";
}

import type { Clock } from "@tracegate/contracts";
import type { Surroundings } from "../src/collector.ts";
import type { Context } from "../src/component.ts";
import { createLogger } from "../src/log.ts";

/** Surroundings that keep what was written. */
export function keptSurroundings(
  clock: Clock,
): Surroundings & { readonly lines: string[]; readonly ports: Map<string, number> } {
  const lines: string[] = [];
  const ports = new Map<string, number>();
  return {
    lines,
    ports,
    listening: (component, port) => ports.set(component, port),
    clock,
    random: () => 0.5,
    metricsEndpoint: undefined,
    stderr: (text) => lines.push(text.trimEnd()),
    stdout: (text) => lines.push(text.trimEnd()),
    instanceId: "test",
    bindHost: (host) => host,
    fatal: (error) => lines.push(`fatal: ${error.message}`),
  };
}

/** One component's context, with what it logged. */
export function keptContext(clock: Clock, id = "test"): Context & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line.trimEnd());
  return {
    id,
    lines,
    clock,
    meter: { add: () => undefined, gauge: () => undefined },
    random: () => 0.5,
    bindHost: (host) => host,
    stdout: write,
    listening: () => undefined,
    fatal: (error) => lines.push(`fatal: ${error.message}`),
    log: createLogger({ clock, write, level: "debug", encoding: "console", withCaller: true, fields: {} }),
  };
}

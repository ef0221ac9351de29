import type { Signal } from "@tracegate/otlp";
import type { Components } from "../component.ts";
import { parseComponentId } from "./component-id.ts";
import type { Config, Field } from "./fields.ts";
import {
  bool,
  decodingFailed,
  int,
  isMap,
  list,
  mapOf,
  plain,
  struct,
  text,
  textOf,
  unsupported,
} from "./fields.ts";
import { formatGoType, quote } from "./go-values.ts";

/** One configured component: its id, its type and what its factory read. */
export interface Configured {
  readonly id: string;
  readonly type: string;
  readonly config: unknown;
  readonly problems: readonly string[];
}

export type Section = "receivers" | "processors" | "exporters" | "connectors" | "extensions";
export const SECTIONS: readonly Section[] = [
  "receivers",
  "processors",
  "exporters",
  "connectors",
  "extensions",
];

export interface Pipeline {
  readonly id: string;
  readonly signal: Signal;
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

export interface CollectorConfig extends Readonly<Record<Section, ReadonlyMap<string, Configured>>> {
  readonly service: {
    readonly extensions: readonly string[];
    readonly pipelines: readonly Pipeline[];
    readonly telemetry: Config<typeof telemetry>;
  };
}

/** How the collector's own metrics are read: by a Prometheus, from here. */
const reader = struct({
  periodic: unsupported,
  pull: struct({
    exporter: struct({
      prometheus: struct({
        host: text("localhost"),
        port: int(8888),
        without_type_suffix: bool(false),
        /** Neither units nor scope labels are ever written. */
        without_units: bool(true),
        without_scope_info: bool(true),
        with_resource_constant_labels: unsupported,
      }),
    }),
  }),
});

const LEVELS = ["debug", "info", "warn", "error"];

const telemetry = struct({
  logs: struct({
    level: textOf("info", (level) =>
      LEVELS.includes(level.toLowerCase()) ? undefined : `unrecognized level: ${quote(level)}`,
    ),
    encoding: text("console"),
    output_paths: unsupported,
    error_output_paths: unsupported,
    disable_caller: bool(false),
    /** No line here carries a stack, and development mode differs in nothing else. */
    disable_stacktrace: bool(false),
    development: bool(false),
    initial_fields: mapOf(text()),
    sampling: unsupported,
    processors: unsupported,
    disable_zap_resource: bool(false),
  }),
  metrics: struct({ level: text("normal"), readers: list(reader), views: unsupported }),
  traces: unsupported,
  resource: mapOf(text()),
});

const pipeline = struct({ receivers: list(text()), processors: list(text()), exporters: list(text()) });

/** Reads the whole tree strictly; throws one error that lists every problem, in the Collector's words. */
export function unmarshal(tree: Readonly<Record<string, unknown>>, components: Components): CollectorConfig {
  const errors: string[] = [];
  const unknown = Object.keys(tree).filter((key) => key !== "service" && !SECTIONS.some((s) => s === key));
  if (unknown.length > 0) errors.push(`'' has invalid keys: ${unknown.sort().join(", ")}`);
  const section = (name: Section) => readSection(name, tree[name], components[name], errors);
  const config: CollectorConfig = {
    receivers: section("receivers"),
    processors: section("processors"),
    exporters: section("exporters"),
    connectors: section("connectors"),
    extensions: section("extensions"),
    service: readService(tree["service"], errors),
  };
  if (errors.length > 0) throw new Error(decodingFailed(errors));
  return config;
}

interface AnyFactory {
  readonly type: string;
  readonly config: Field<unknown>;
  validate?(config: unknown): readonly string[];
}

function readSection(
  name: Section,
  given: unknown,
  factories: readonly AnyFactory[],
  errors: string[],
): ReadonlyMap<string, Configured> {
  const read = new Map<string, Configured>();
  const value = plain(given);
  if (value === null || value === undefined) return read;
  if (!isMap(value)) {
    errors.push(
      `'${name}' expected a map or struct, got "${Array.isArray(value) ? "slice" : formatGoType(value)}"`,
    );
    return read;
  }
  for (const [key, settings] of Object.entries(value)) {
    const one = readComponent(name, key, settings, factories);
    if ("error" in one) errors.push(`'${name}' ${one.error}`);
    else if (read.has(one.id))
      errors.push(`'${name}' duplicate name ${quote(one.id)} after unmarshaling ${one.id}`);
    else read.set(one.id, one);
  }
  return read;
}

function readComponent(
  section: Section,
  key: string,
  settings: unknown,
  factories: readonly AnyFactory[],
): Configured | { readonly error: string } {
  let parsed: { readonly id: string; readonly type: string };
  try {
    parsed = parseComponentId(key);
  } catch (error) {
    return { error: `'' ${error instanceof Error ? error.message : String(error)}` };
  }
  const { id, type } = parsed;
  const factory = factories.find((f) => f.type === type);
  if (factory === undefined) {
    if (section === "exporters" && type === "logging") {
      return { error: "the logging exporter has been deprecated, use the debug exporter instead" };
    }
    const valid = factories
      .map((f) => f.type)
      .sort()
      .join(" ");
    return { error: `unknown type: ${quote(type)} for id: ${quote(id)} (valid values: [${valid}])` };
  }
  const errors: string[] = [];
  const config = factory.config.read(settings, "", errors);
  if (errors.length > 0) {
    return { error: `error reading configuration for ${quote(id)}: ${decodingFailed(errors)}` };
  }
  return { id, type, config, problems: factory.validate?.(config) ?? [] };
}

function readService(given: unknown, errors: string[]): CollectorConfig["service"] {
  const value = plain(given);
  const map = isMap(value) ? value : {};
  if (value !== null && value !== undefined && !isMap(value)) {
    errors.push(`'service' expected a map or struct, got "${formatGoType(value)}"`);
  }
  const known = ["extensions", "pipelines", "telemetry"];
  const unknown = Object.keys(map).filter((key) => !known.includes(key));
  if (unknown.length > 0) errors.push(`'service' has invalid keys: ${unknown.sort().join(", ")}`);
  return {
    extensions: list(text())
      .read(map["extensions"], "service.extensions", errors)
      .map((id) => id.trim()),
    pipelines: readPipelines(map["pipelines"], errors),
    telemetry: telemetry.read(map["telemetry"], "service.telemetry", errors),
  };
}

function readPipelines(given: unknown, errors: string[]): Pipeline[] {
  const value = plain(given);
  if (value === null || value === undefined) return [];
  if (!isMap(value)) {
    errors.push(`'service.pipelines' expected a map or struct, got "${formatGoType(value)}"`);
    return [];
  }
  return Object.entries(value).flatMap(([key, settings]) => {
    const parsed = readPipelineId(key);
    if (typeof parsed === "string") {
      errors.push(`'service.pipelines' ${parsed}`);
      return [];
    }
    const inner: string[] = [];
    const read = pipeline.read(settings, `service.pipelines[${parsed.id}]`, inner);
    errors.push(...inner);
    return [{ ...parsed, ...trimmed(read) }];
  });
}

function trimmed(read: Config<typeof pipeline>): Config<typeof pipeline> {
  const trim = (ids: readonly string[]) => ids.map((id) => id.trim());
  return {
    receivers: trim(read.receivers),
    processors: trim(read.processors),
    exporters: trim(read.exporters),
  };
}

function readPipelineId(key: string): { readonly id: string; readonly signal: Signal } | string {
  try {
    const { id, type } = parseComponentId(key);
    if (type === "traces" || type === "metrics" || type === "logs") return { id, signal: type };
    if (type === "profiles") {
      return `pipeline ${quote(id)}: profiling signal support is at alpha level, gated under the "service.profilesSupport" feature gate`;
    }
    return `in ${quote(id)} id: unknown pipeline signal: ${quote(type)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

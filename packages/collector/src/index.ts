export type { Surroundings } from "./collector.ts";
export { Collector, checkConfig, readConfig, VERSION } from "./collector.ts";
export type { Components } from "./component.ts";
export { components } from "./components.ts";
export type { CollectorConfig } from "./config/collector-config.ts";
export type { SourceAccess } from "./config/sources.ts";
export { systemAccess } from "./config/sources.ts";
export type { Level } from "./log.ts";

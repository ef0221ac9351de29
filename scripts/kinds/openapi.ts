/** Reads the OpenAPI v3 files of a Kubernetes source tree: they say what Go types do not (list keys, defaults). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface OpenApiSchema {
  readonly properties?: Record<string, OpenApiProperty>;
  readonly required?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
}

export interface OpenApiProperty {
  readonly default?: unknown;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
  readonly "x-kubernetes-patch-strategy"?: string;
  readonly "x-kubernetes-patch-merge-key"?: string;
}

export function readOpenApi(directory: string): Map<string, OpenApiSchema> {
  const schemas = new Map<string, OpenApiSchema>();
  for (const file of readdirSync(directory)) {
    if (!file.endsWith("_openapi.json")) continue;
    const document = JSON.parse(readFileSync(join(directory, file), "utf8"));
    for (const [name, schema] of Object.entries<OpenApiSchema>(document.components?.schemas ?? {})) {
      schemas.set(name, schema);
    }
  }
  return schemas;
}
